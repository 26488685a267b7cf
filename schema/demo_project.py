"""Seed data: a demo project with an operator, an agent and its sources, the same ids on every machine."""

import asyncio
import json
import secrets
import uuid
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg

from shared.identifiers import ProjectId
from shared.ingestion.sources import NewSource, add_source, bound_to, publish_sources_of
from shared.models.messages import Channel
from shared.services import Services
from shared.settings import Settings
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("demo_project.sql"))
NAMESPACE = UUID("0f2b7c5e-51b4-4f0e-9a53-8a2f5d1c7e11")
CHANNELS: tuple[Channel, ...] = ("email", "chat")


@dataclass(frozen=True, slots=True)
class SeededSource:
    """A source with its secret; `path` is below the host's base URL. One of channel `queue` has neither."""

    id: UUID
    channel: Channel
    provider: str
    secret: str

    @property
    def format(self) -> str:
        """Return what it takes, such as `email, json`."""
        return f"{self.channel}, {self.provider}"

    @property
    def path(self) -> str:
        """Return where webhooks go."""
        return f"/api/v1/ingest/{self.channel}/{self.id}"


@dataclass(frozen=True, slots=True)
class SeededProject:
    """A project with one source a channel in our JSON, one for raw mail, and one for each format of the queue."""

    id: ProjectId
    name: str
    sources: dict[Channel, SeededSource]
    raw: SeededSource
    queues: dict[Channel, SeededSource]


def seed(owner_dsn: str, settings: dict[str, str], name: str = "Harbour & Finch") -> SeededProject:
    """Create the project `name` where missing, publish its sources, and return it with its secrets.

    `owner_dsn` connects as `hub_owner`; `settings` are the app's. Another `name` makes another tenant.
    """
    project = ProjectId(uuid.uuid5(NAMESPACE, name))
    system, agent = uuid.uuid5(project, "system"), uuid.uuid5(project, "agent")
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT set_config('app.project_id', %s, true)", [str(project)])
        owner.execute(SQL["insert_project"], {"id": project, "name": name, "system_user_id": system})
        for identifier, full_name, role in ((system, "System", "system"), (agent, "Robin Finch", "agent")):
            user = {"project_id": project, "id": identifier, "full_name": full_name, "role": role, "email": None}
            owner.execute(SQL["insert_user"], user)
    return asyncio.run(_add_sources(project, name, agent, settings))


def source_id(project: UUID, name: str) -> UUID:
    """Return the id of a project's source: `email`, `chat`, `raw-mail`, `queue-email` or `queue-chat`."""
    return uuid.uuid5(project, name)


async def _add_sources(project: ProjectId, name: str, agent: UUID, settings: dict[str, str]) -> SeededProject:
    hub = Services(Settings(**settings))  # type: ignore[arg-type] # names and texts as in the environment
    try:
        add = partial(_add_source, hub, project, agent=agent)
        sources = {channel: await add(channel, channel=channel, provider="json") for channel in CHANNELS}
        raw = await add("raw-mail", channel="email", provider="mime")
        queues = {each: await add(f"queue-{each}", channel="queue", provider=f"{each}-json") for each in CHANNELS}
        await publish_sources_of(project, hub.postgres, hub.blobs)
    finally:
        await hub.close()
    return SeededProject(project, name, sources, raw, queues)


async def _add_source(
    hub: Services, project: ProjectId, name: str, *, channel: Channel, provider: str, agent: UUID
) -> SeededSource:
    identifier = source_id(project, name)
    # Who may write to a queue is Azure's to decide, so a source of that channel has no secret.
    signed_with = () if channel == "queue" else (new_secret(),)
    new = NewSource(project, identifier, name, channel, provider, signed_with, agent)
    await add_source(new, hub.postgres, hub.vault)
    async with hub.postgres.tenant(project) as transaction:
        row = await transaction.one(SQL["sealed_secrets"], project_id=project, id=identifier)
    assert row is not None  # noqa: S101 # added by the statement before
    stored = json.loads(hub.vault.open(row["secrets"], bound_to=bound_to(project, identifier)))
    return SeededSource(identifier, channel, provider, stored[0] if stored else "")


def new_secret() -> str:
    """Return a new Standard Webhooks secret: `whsec_` and base64 of 32 random bytes."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()
