"""Sources: owned by Postgres, published to Blob, found there by ingest; out of reach is never taken for absent."""

import asyncio
import base64
import json
import os
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from local.stack.ports import free_port
from shared.errors import Rejected, Transient
from shared.identifiers import ProjectId
from shared.ingestion.sources import NewSource, add_source, bound_to, publish_sources
from shared.models.messages import Channel
from shared.models.work import BlobContainer
from tests.integration.tenant import Tenant, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]

SECRETS = ("whsec_" + base64.b64encode(b"1" * 32).decode(), "whsec_" + base64.b64encode(b"2" * 32).decode())


async def added(tenant: Tenant, *secrets: str, channel: Channel = "email") -> UUID:
    """Add a source and publish it."""
    source = uuid4()
    new = NewSource(tenant.id, source, f"source {source}", channel, "json", secrets)
    await add_source(new, tenant.hub.postgres, tenant.hub.vault)
    await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
    return source


def change(tenant: Tenant, source: UUID, assignment: str, *values: object) -> None:
    tenant.rows(f"UPDATE sources SET version = version + 1, {assignment} WHERE id = %s", *values, source)


async def test_a_source_is_found_with_its_secrets_once_it_is_published(tenant: Tenant) -> None:
    source = uuid4()
    new = NewSource(tenant.id, source, "shop", "email", "json", SECRETS)
    await add_source(new, tenant.hub.postgres, tenant.hub.vault)
    with pytest.raises(Rejected) as refusal:
        await tenant.hub.sources.find(source)
    assert (refusal.value.status, refusal.value.field) == (404, "source")

    await publish_sources(tenant.hub.postgres, tenant.hub.blobs)

    found = await tenant.hub.sources.find(source)
    assert (found.project_id, found.channel, found.provider, found.secrets) == (tenant.id, "email", "json", SECRETS)


async def test_only_what_is_newer_is_published(tenant: Tenant) -> None:
    source = await added(tenant, *SECRETS)
    assert await publish_sources(tenant.hub.postgres, tenant.hub.blobs) == 0
    change(tenant, source, "provider = 'other'")
    assert await publish_sources(tenant.hub.postgres, tenant.hub.blobs) == 1
    assert (await tenant.hub.sources.find(source)).provider == "other"


async def test_a_publisher_that_dies_before_it_says_so_publishes_again(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await added(tenant, *SECRETS)
    change(tenant, source, "provider = 'other'")
    with monkeypatch.context() as dying:

        async def away(*_: object, **__: object) -> None:
            raise Transient("Blob Storage: away")

        dying.setattr(tenant.hub.blobs, "put", away)
        with pytest.raises(Transient):
            await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
    assert await publish_sources(tenant.hub.postgres, tenant.hub.blobs) == 1


async def test_a_slow_publisher_leaves_no_older_version_in_blob(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await added(tenant, *SECRETS)
    change(tenant, source, "provider = 'old'")
    slow, putting, go_on = tenant.services(), asyncio.Event(), asyncio.Event()
    put = slow.blobs.put

    async def held(*args: Any, **options: Any) -> None:
        putting.set()
        await go_on.wait()
        await put(*args, **options)

    monkeypatch.setattr(slow.blobs, "put", held)
    publishing = asyncio.create_task(publish_sources(slow.postgres, slow.blobs))
    await putting.wait()
    changing = asyncio.create_task(asyncio.to_thread(change, tenant, source, "provider = 'new'"))
    await tenant.done_or_waiting(changing)
    other = asyncio.create_task(publish_sources(tenant.hub.postgres, tenant.hub.blobs))
    await asyncio.wait({other}, timeout=1)
    go_on.set()
    await asyncio.gather(publishing, changing, other)
    await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
    assert (await tenant.hub.sources.find(source)).provider == "new"


async def test_secrets_are_readable_neither_in_postgres_nor_in_blob(tenant: Tenant) -> None:
    source = await added(tenant, *SECRETS)
    blob = await tenant.hub.blobs.get(BlobContainer.SOURCES, str(source))
    row = tenant.one("SELECT secrets FROM sources WHERE id = %s", source)
    assert blob
    assert row
    for secret in SECRETS:
        assert secret not in blob.raw.decode() + row["secrets"]


@pytest.mark.parametrize("secrets", [(), ("",)])
async def test_a_source_with_an_empty_secret_is_disabled(tenant: Tenant, secrets: tuple[str, ...]) -> None:
    source = await added(tenant, *secrets)
    with pytest.raises(Rejected) as refusal:
        await tenant.hub.ingest.receive("email", str(source), tenant.request("email", mail()))
    assert (refusal.value.status, refusal.value.field) == (401, "source")


async def test_a_disabled_source_refuses_and_its_kept_deliveries_are_still_stored(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    change(tenant, tenant.source("email"), "enabled = false")
    await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
    with pytest.raises(Rejected) as refusal:
        await tenant.hub.ingest.receive("email", str(tenant.source("email")), tenant.request("email", mail()))
    assert refusal.value.status == 401
    await tenant.hub.store.store(work)
    assert tenant.count("interactions") == 1


async def test_a_source_is_cached_for_a_while(tenant: Tenant) -> None:
    cached = tenant.services(SOURCE_CACHE_SECONDS="60").sources
    source = await added(tenant, *SECRETS)
    await cached.find(source)
    change(tenant, source, "enabled = false")
    await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
    assert (await cached.find(source)).secrets == SECRETS
    assert (await tenant.hub.sources.find(source)).secrets == ()


async def test_a_blob_copied_over_another_sources_name_does_not_open(tenant: Tenant, other_tenant: Tenant) -> None:
    theirs = await tenant.hub.blobs.get(BlobContainer.SOURCES, str(other_tenant.source("email")))
    assert theirs
    ours = str(tenant.source("email"))
    await tenant.hub.blobs.put(BlobContainer.SOURCES, ours, theirs.raw, content_type="application/json")
    with pytest.raises(Transient):
        await tenant.hub.sources.find(tenant.source("email"))


@pytest.mark.parametrize("name", ["project_id", "sealed"])
async def test_a_blob_with_a_part_of_another_sources_does_not_open(
    tenant: Tenant, other_tenant: Tenant, name: str
) -> None:
    blobs = [await tenant.hub.blobs.get(BlobContainer.SOURCES, str(t.source("email"))) for t in (tenant, other_tenant)]
    ours, theirs = (json.loads(blob.raw) for blob in blobs if blob)
    forged = json.dumps(ours | {name: theirs[name]}).encode()
    await tenant.hub.blobs.put(BlobContainer.SOURCES, str(tenant.source("email")), forged, content_type="")
    with pytest.raises(Transient):
        await tenant.hub.sources.find(tenant.source("email"))


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b'{"project_id": 1}'])
async def test_a_damaged_blob_is_no_absent_source(tenant: Tenant, raw: bytes) -> None:
    await tenant.hub.blobs.put(BlobContainer.SOURCES, str(tenant.source("email")), raw, content_type="")
    with pytest.raises(Transient):
        await tenant.hub.sources.find(tenant.source("email"))


async def test_a_key_that_is_not_the_sealing_one_refuses_nobody(tenant: Tenant) -> None:
    key_id = (tenant.hub.settings.secret_keys or "").partition(":")[0]
    for name in (key_id, "another"):
        keys = f"{name}:{base64.b64encode(os.urandom(32)).decode()}"
        with pytest.raises(Transient):
            await tenant.services(SECRET_KEYS=keys).sources.find(tenant.source("email"))


async def test_an_older_key_still_opens(tenant: Tenant) -> None:
    new = f"new:{base64.b64encode(os.urandom(32)).decode()}"
    rotated = tenant.services(SECRET_KEYS=f"{new},{tenant.hub.settings.secret_keys}")
    assert (await rotated.sources.find(tenant.source("email"))).secrets
    assert rotated.vault.seal("x", bound_to=bound_to(tenant.id, uuid4())).startswith("v1.new.")


async def test_blob_storage_that_is_away_is_no_absent_source(tenant: Tenant) -> None:
    storage = tenant.hub.settings.storage
    assert storage
    away = storage.replace(f":{tenant.stack.ports['blob']}/", f":{free_port()}/")
    with pytest.raises(Transient):
        await tenant.services(HubStorage=away).sources.find(tenant.source("email"))


async def test_a_source_of_a_project_is_added_once(tenant: Tenant) -> None:
    source = await added(tenant, *SECRETS)
    again = NewSource(ProjectId(tenant.id), source, "another name", "chat", "json", ())
    await add_source(again, tenant.hub.postgres, tenant.hub.vault)
    row = tenant.one("SELECT channel, updated_at FROM sources WHERE id = %s", source)
    assert row
    assert row["channel"] == "email"
    assert isinstance(row["updated_at"], datetime)
