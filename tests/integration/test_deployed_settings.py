"""The app started with the settings that infra/ sets, and no other: endpoints are local, the identity is a fake."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import aiohttp
import psycopg
import pytest
from azure.storage.blob.aio import BlobServiceClient
from psycopg import sql

from local.checkout import CHECKOUT, STATE
from local.infra.check import files
from local.infra.deployment import NEVER_SET, app_settings, template
from local.stack.host import HostProcess
from local.stack.stack import Stack
from schema.demo_project import SeededProject, SeededSource
from shared.identifiers import ProjectId, sha256_hex
from shared.models.work import BlobContainer
from tests.e2e.hub import Hub, mail
from tests.integration.azure_front import CLIENT_ID, HEADER, KEY_VAULT, POSTGRES, STORAGE, Front, token_for

PICTURE = min((CHECKOUT / "samples" / "images").glob("*.png")).read_bytes()
# The development host's own: its keys, and the times that would only make this test longer.
HOST = {"LOCAL_HOST_FEED_POLL_SECONDS": "0.2", "LOCAL_HOST_LEASE_ACQUIRE_SECONDS": "0.5"}


@dataclass(frozen=True)
class Deployment:
    """A stack that answers tokens alone, and the settings of a hub on it."""

    stack: Stack
    front: Front
    settings: dict[str, str]
    platform: dict[str, str]  # what the platform adds to the environment of an app with an identity

    def operator(self) -> SeededProject:
        """Make key, project and sources as the operator does, with the identity and no secret."""
        environment = {**os.environ, **self.settings, **self.platform}
        command = [sys.executable, "-m", "tests.integration.deployed_child", self.stack.owner_dsn()]
        done = subprocess.run(command, env=environment, cwd=CHECKOUT, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return _seeded(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def private_stack() -> Iterator[Stack]:
    """A stack of this file alone: its database takes the app's token and no password."""
    state = STATE / f"test-{secrets.token_hex(4)}"
    running = Stack(state, in_memory=True)
    running.start()
    with psycopg.connect(running.postgres.dsn(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("ALTER ROLE hub_app PASSWORD {}").format(sql.Literal(token_for(POSTGRES))))
    yield running
    running.stop()
    shutil.rmtree(state)


@pytest.fixture(scope="module")
async def deployment(private_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """The settings as main.bicep comes to, with local addresses for what the modules would tell."""
    front = Front(tmp_path_factory.mktemp("front"))
    await front.start()
    ports = private_stack.ports
    outputs = {
        "stores.outputs.storageName": "devstoreaccount1",
        "stores.outputs.blobServiceUri": await front.storage(ports["blob"]),
        "stores.outputs.queueServiceUri": await front.storage(ports["queue"]),
        "stores.outputs.cosmosEndpoint": await front.cosmos(private_stack.cosmos.endpoint),
        "stores.outputs.postgresHost": "127.0.0.1",
        "stores.outputs.keyUri": await front.key_vault(),
        "identity.outputs.clientId": CLIENT_ID,
    }
    main, *modules = files(CHECKOUT / "infra")
    (functions,) = (file for file in modules if file.path.stem == "functions")
    settings = app_settings(template(main, outputs), functions, client_id=CLIENT_ID, base_url="hub.example.com")
    # The local Postgres has a port of its own, no PgBouncer and no TLS; what remains is that no password is there.
    dsn = settings["POSTGRES_DSN"].replace("port=6432", f"port={ports['postgres']}").replace("verify-full", "disable")
    platform = {
        "IDENTITY_ENDPOINT": await front.identity(),
        "IDENTITY_HEADER": HEADER,
        "SSL_CERT_FILE": str(front.certificate),
    }
    yield Deployment(private_stack, front, settings | {"POSTGRES_DSN": dsn}, platform)
    await front.stop()


@pytest.fixture(scope="module")
async def hub(deployment: Deployment) -> AsyncIterator[Hub]:
    """The hub as it is deployed, with a project."""
    project = await asyncio.to_thread(deployment.operator)
    stack = deployment.stack
    host = HostProcess(stack)
    keys = {name: value for name, value in stack.settings.items() if name.startswith("LOCAL_HOST_")}
    host.settings = {**deployment.settings, **keys, **HOST}
    await asyncio.to_thread(host.start, env=deployment.platform)
    async with aiohttp.ClientSession() as session:
        yield Hub(stack, host, project, session)
    await asyncio.to_thread(host.stop)


async def test_the_demo_path_runs_with_the_deployed_settings_and_no_secret(hub: Hub, deployment: Deployment) -> None:
    assert [name for name in NEVER_SET if name in hub.host.settings] == []
    assert token_for(POSTGRES) not in str(hub.host.settings)
    picture = {"filename": "clock.png", "contentType": "image/png", "contentBase64": b64encode(PICTURE).decode()}
    chat = {"clientId": "w-1", "conversationId": "c-1", "messageId": "m-1", "content": "Where is my order?"}
    chat["sentAt"] = datetime.now(UTC).isoformat()
    for channel, message in (("email", mail(attachments=[picture])), ("chat", chat)):
        accepted = await hub.post(channel, message)
        assert accepted.status == 202, accepted.body
        interaction = accepted.body["interactionIds"][0]
        seen = await hub.analysed(interaction)
        assert seen["analysis"]["engine"] == "offline"
        assert [document["projectId"] for document in hub.documents(interaction)] == [str(hub.project.id)]
    assert [blob async for blob in _kept(deployment.stack, PICTURE)] == [PICTURE]
    async with hub.session.get(f"{hub.host.base_url}/api/health") as answer:
        health = await answer.json()
    assert health == {"status": "ok", "checks": dict.fromkeys(["blobs", "queues", "postgres", "cosmos", "keys"], "ok")}
    assert {STORAGE, POSTGRES, KEY_VAULT} <= set(deployment.front.asked)


async def test_tokens_are_kept_until_they_end(hub: Hub, deployment: Deployment) -> None:
    before = dict(deployment.front.asked)
    for _ in range(5):
        await hub.analysed((await hub.post("email", mail())).body["interactionIds"][0])
    assert sum(deployment.front.asked.values()) - sum(before.values()) < 5
    assert deployment.front.refused == 0


async def test_without_the_identity_nothing_is_reached_and_health_says_so(hub: Hub, deployment: Deployment) -> None:
    await asyncio.to_thread(hub.host.stop)
    await asyncio.to_thread(hub.host.start, env=deployment.platform | {"IDENTITY_HEADER": "another"})
    async with hub.session.get(f"{hub.host.base_url}/api/health") as answer:
        health: dict[str, Any] = await answer.json()
    assert answer.status == 503
    assert "ok" not in health["checks"].values()


async def _kept(stack: Stack, raw: bytes) -> AsyncIterator[bytes]:
    async with BlobServiceClient.from_connection_string(stack.settings["HubStorage"]) as blobs:
        container = blobs.get_container_client(BlobContainer.ATTACHMENTS.value)
        async for blob in container.list_blobs():
            if sha256_hex(raw) in blob.name:
                yield await (await container.download_blob(blob.name)).readall()


def _seeded(told: dict[str, Any]) -> SeededProject:
    def source(each: dict[str, Any]) -> SeededSource:
        return SeededSource(UUID(each["id"]), each["channel"], each["provider"], each["secret"])

    sources, queues = ({key: source(each) for key, each in told[name].items()} for name in ("sources", "queues"))
    project = ProjectId(UUID(told["id"]))
    return SeededProject(project, told["name"], cast("Any", sources), source(told["raw"]), cast("Any", queues))
