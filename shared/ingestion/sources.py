"""Sources: owned by Postgres, published to Blob, read there by ingest, which touches no database."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from shared.errors import Rejected, Transient
from shared.identifiers import ProjectId
from shared.models.messages import Channel
from shared.models.sources import PublishedSource, Source
from shared.models.work import BlobContainer
from shared.stores.blobs import Blobs
from shared.stores.postgres import Postgres, Row
from shared.stores.sql import SqlBlocks
from shared.stores.vault import Vault

SQL = SqlBlocks(Path(__file__).with_name("sources.sql"))


def bound_to(project: UUID, source: UUID) -> str:
    """Return what a source's secrets are sealed with: they open for this project and source only."""
    return f"{project}/{source}"


@dataclass(frozen=True, slots=True)
class _Cached:
    source: Source
    until: float


class Sources:
    """Finds published sources, and keeps each for `cache_seconds`."""

    def __init__(self, blobs: Blobs, vault: Vault, *, cache_seconds: float) -> None:
        self._blobs = blobs
        self._vault = vault
        self._cache_seconds = cache_seconds
        self._cached: dict[UUID, _Cached] = {}

    async def find(self, source_id: UUID) -> Source:
        """Return a source. Raises Rejected 404 when none is published, Transient when Blob or key is out of reach."""
        cached = self._cached.get(source_id)
        if cached and cached.until > time.monotonic():
            return cached.source
        blob = await self._blobs.get(BlobContainer.SOURCES, str(source_id))
        if blob is None:
            raise Rejected(404, "there is no such source", field="source")
        source = await self._opened(blob.raw, source_id)
        self._cached[source_id] = _Cached(source, time.monotonic() + self._cache_seconds)
        return source

    async def _opened(self, raw: bytes, source_id: UUID) -> Source:
        try:
            published = PublishedSource.model_validate_json(raw)
        except ValidationError as error:
            raise Transient(f"the published source {source_id} can't be read") from error
        await self._vault.ready(published.sealed)
        # Bound to the id that was asked for: a blob copied over another source's name does not open.
        secrets = json.loads(self._vault.open(published.sealed, bound_to=bound_to(published.project_id, source_id)))
        return Source(
            project_id=published.project_id,
            id=source_id,
            channel=published.channel,
            provider=published.provider,
            default_agent_id=published.default_agent_id,
            secrets=tuple(secret for secret in secrets if secret) if published.enabled else (),
            enabled=published.enabled,
        )


@dataclass(frozen=True, slots=True)
class NewSource:
    """What an operator says of a source to be made."""

    project_id: ProjectId
    id: UUID
    name: str
    channel: Channel
    provider: str
    secrets: tuple[str, ...]
    default_agent_id: UUID | None = None


async def add_source(new: NewSource, postgres: Postgres, vault: Vault) -> None:
    """Write a source to Postgres; one that has this id is left as it is."""
    await vault.ready()
    sealed = vault.seal(json.dumps(new.secrets), bound_to=bound_to(new.project_id, new.id))
    async with postgres.tenant(new.project_id) as transaction:
        await transaction.execute(
            SQL["insert_source"],
            project_id=new.project_id,
            id=new.id,
            name=new.name,
            channel=new.channel,
            provider=new.provider,
            default_agent_id=new.default_agent_id,
            secrets=sealed,
        )


async def change_secrets(
    project: ProjectId,
    source: UUID,
    change: Callable[[tuple[str, ...]], tuple[str, ...]],
    postgres: Postgres,
    vault: Vault,
) -> None:
    """Seal a source's secrets anew, as `change` makes them of those there are, the newest first.

    Ingest takes them once the source is published and its cache has ended. Raises Rejected 404: no such source.
    """
    async with postgres.tenant(project) as transaction:
        row = await transaction.one(SQL["lock_secrets"], project_id=project, id=source)
        if row is None:
            raise Rejected(404, "there is no such source", field="source")
        await vault.ready(row["secrets"])
        there = tuple(json.loads(vault.open(row["secrets"], bound_to=bound_to(project, source))))
        sealed = vault.seal(json.dumps(change(there)), bound_to=bound_to(project, source))
        await transaction.execute(SQL["change_secrets"], project_id=project, id=source, secrets=sealed)


async def publish_sources(postgres: Postgres, blobs: Blobs) -> int:
    """Publish every source whose newest version is not in Blob yet, of every project; returns how many."""
    async with postgres.sweeper() as transaction:
        projects = [ProjectId(row["id"]) for row in await transaction.all(SQL["list_projects"])]
    return sum([await publish_sources_of(project, postgres, blobs) for project in projects])


async def publish_sources_of(project: ProjectId, postgres: Postgres, blobs: Blobs) -> int:
    """Publish every source of a project whose newest version is not in Blob yet; returns how many."""
    published = 0
    while await _publish_one(project, postgres, blobs):
        published += 1
    return published


async def _publish_one(project: ProjectId, postgres: Postgres, blobs: Blobs) -> bool:
    async with postgres.tenant(project) as transaction:
        row = await transaction.one(SQL["lock_unpublished_source"])
        if row is None:
            return False
        # Blob before the commit: a crash in between publishes the same version again, never marks what is not there.
        await blobs.put(BlobContainer.SOURCES, str(row["id"]), _published(row), content_type="application/json")
        await transaction.execute(SQL["mark_published"], project_id=project, id=row["id"], version=row["version"])
    return True


def _published(row: Row) -> bytes:
    return (
        PublishedSource(
            project_id=row["project_id"],
            source_id=row["id"],
            channel=row["channel"],
            provider=row["provider"],
            default_agent_id=row["default_agent_id"],
            enabled=row["enabled"],
            version=row["version"],
            sealed=row["secrets"],
        )
        .model_dump_json()
        .encode()
    )
