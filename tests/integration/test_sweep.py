"""sweep_inbound: nothing that was accepted is forgotten, and nothing that is at an end is done again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from local.stack.ports import free_port
from shared.clock import Clock
from shared.errors import Transient
from shared.ingestion import sweep as module
from shared.ingestion.raw import RawName, hour_of, to_metadata
from shared.ingestion.sweep import POSITION, Sweep
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from tests.integration.tenant import Tenant, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]


@dataclass
class HeldClock:
    """A clock that stands still until it is moved."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


def later(**delta: float) -> Clock:
    return HeldClock(datetime.now(UTC) + timedelta(**delta))


def sweep_of(tenant: Tenant, clock: Clock | None = None, **settings: str) -> Sweep:
    settings = {"SWEEP_AFTER_SECONDS": "120", "RETRY_MAX_SECONDS": "900"} | settings
    return tenant.services(clock or later(seconds=121), **settings).sweep


@pytest.fixture(autouse=True)
def fresh_start(tenant: Tenant) -> None:
    """Forget how far earlier tests swept, and what they left."""
    tenant.rows("DELETE FROM sync_positions WHERE name = %s", POSITION)
    with BlobServiceClient.from_connection_string(tenant.stack.settings["HubStorage"]) as client:
        container = client.get_container_client(BlobContainer.INBOUND.value)
        for name in list(container.list_blob_names()):
            container.delete_blob(name)


def watermark(tenant: Tenant) -> str | None:
    row = tenant.one("SELECT position FROM sync_positions WHERE name = %s", POSITION)
    return row["position"] if row else None


def ids(works: list[dict[str, str]]) -> list[str]:
    return [work["delivery_id"] for work in works]


async def test_a_delivery_without_a_queue_message_is_enqueued_after_two_minutes(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    await sweep_of(tenant, later(seconds=100)).sweep()
    assert tenant.take(QueueName.INBOUND) == []
    await sweep_of(tenant, later(seconds=121)).sweep()
    (found,) = tenant.take(QueueName.INBOUND)
    assert DeliveryWork.model_validate(found) == work


async def test_what_the_sweep_enqueues_is_stored_as_if_ingest_had_sent_it(tenant: Tenant) -> None:
    work = await tenant.keep("email", mail())
    await sweep_of(tenant).sweep()
    (found,) = tenant.take(QueueName.INBOUND)
    await tenant.hub.store.store(DeliveryWork.model_validate(found))
    assert tenant.one("SELECT state FROM deliveries WHERE id = %s", work.delivery_id) == {"state": "done"}
    assert tenant.count("interactions") == 1


async def test_a_delivery_that_was_enqueued_again_is_left_alone_for_as_long_as_a_deferral_may_take(
    tenant: Tenant,
) -> None:
    await tenant.keep("email", mail())
    at = later(seconds=121).now()
    await sweep_of(tenant, HeldClock(at)).sweep()
    await sweep_of(tenant, HeldClock(at + timedelta(seconds=1019))).sweep()
    assert len(tenant.take(QueueName.INBOUND)) == 1
    await sweep_of(tenant, HeldClock(at + timedelta(seconds=1021))).sweep()
    assert len(tenant.take(QueueName.INBOUND)) == 1


@pytest.mark.parametrize("state", ["done", "quarantined", "dead"])
async def test_a_delivery_at_an_end_is_never_enqueued(tenant: Tenant, state: str) -> None:
    work = await tenant.keep("email", mail() if state == "done" else b"not json")
    if state == "dead":
        await tenant.hub.drain.bury(QueueName.INBOUND, work.model_dump_json().encode(), "why")
    else:
        await tenant.hub.store.store(work)
    assert tenant.one("SELECT state FROM deliveries WHERE id = %s", work.delivery_id) == {"state": state}
    await sweep_of(tenant, later(days=1)).sweep()
    assert tenant.take(QueueName.INBOUND) == []


async def test_a_delivery_being_worked_on_is_left_alone(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: object) -> bool:
        raise Transient("Cosmos DB: 503")

    work = await tenant.keep("email", mail())
    monkeypatch.setattr(tenant.hub.documents, "create", away)
    with pytest.raises(Transient):
        await tenant.hub.store.store(work)
    await sweep_of(tenant, later(seconds=300)).sweep()
    assert tenant.take(QueueName.INBOUND) == []
    await sweep_of(tenant, later(hours=1)).sweep()
    assert ids(tenant.take(QueueName.INBOUND)) == [str(work.delivery_id)]


async def test_the_watermark_moves_past_hours_that_are_at_an_end_and_no_further(tenant: Tenant) -> None:
    now = datetime.now(UTC)
    hours = [now - timedelta(hours=number) for number in (5, 4, 3)]
    first, second, third = [await tenant.keep("email", mail(), received_at=hour) for hour in hours]
    await tenant.hub.store.store(first)
    await tenant.hub.store.store(third)

    clock = HeldClock(now + timedelta(seconds=121))
    await sweep_of(tenant, clock).sweep()
    assert watermark(tenant) == hour_of(hours[1])
    await tenant.hub.store.store(second)
    await sweep_of(tenant, clock).sweep()
    assert watermark(tenant) == hour_of(now + timedelta(seconds=1))


async def test_the_watermark_waits_for_deliveries_too_young_to_be_missed(tenant: Tenant) -> None:
    now = datetime.now(UTC)
    await tenant.keep("email", mail(), received_at=now - timedelta(hours=2))
    await sweep_of(tenant, HeldClock(now)).sweep()
    assert watermark(tenant) == hour_of(now - timedelta(hours=2))


async def test_the_watermark_stays_in_an_hour_whose_last_deliveries_may_still_be_written(tenant: Tenant) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    await sweep_of(tenant, HeldClock(hour + timedelta(seconds=60))).sweep()
    assert watermark(tenant) == hour_of(hour - timedelta(hours=1))
    await sweep_of(tenant, HeldClock(hour + timedelta(seconds=121))).sweep()
    assert watermark(tenant) == hour_of(hour)


async def test_a_queue_that_is_away_during_the_sweep_loses_nothing(tenant: Tenant) -> None:
    works = [await tenant.keep("email", mail()) for _ in range(3)]
    before, storage = watermark(tenant), tenant.hub.settings.storage
    assert storage
    away = storage.replace(f":{tenant.stack.ports['queue']}/", f":{free_port()}/")
    with pytest.raises(Transient):
        await sweep_of(tenant, HubStorage=away).sweep()
    assert watermark(tenant) == before
    await sweep_of(tenant).sweep()
    assert sorted(ids(tenant.take(QueueName.INBOUND))) == sorted(str(work.delivery_id) for work in works)


async def test_a_blob_of_an_unknown_project_holds_nobody_up(tenant: Tenant) -> None:
    now = datetime.now(UTC)
    for unknown in (str(RawName(hour_of(now), uuid4(), uuid4(), uuid4())), f"{hour_of(now)}/not-a-delivery"):
        metadata = to_metadata(now, "key")
        await tenant.hub.blobs.put_new(BlobContainer.INBOUND, unknown, b"x", content_type="", metadata=metadata)
    work = await tenant.keep("email", mail())
    assert await sweep_of(tenant).sweep() == 1
    assert ids(tenant.take(QueueName.INBOUND)) == [str(work.delivery_id)]


async def test_more_deliveries_than_a_page_are_all_found(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    works = [await tenant.keep("email", mail()) for _ in range(5)]
    await sweep_of(tenant).sweep()
    assert sorted(ids(tenant.take(QueueName.INBOUND))) == sorted(str(work.delivery_id) for work in works)


async def test_a_retry_in_a_later_hour_is_no_second_delivery(tenant: Tenant) -> None:
    now = datetime.now(UTC)
    work = await tenant.keep("email", mail(), received_at=now - timedelta(hours=1))
    copy = RawName(hour_of(now), tenant.id, work.source_id, work.delivery_id)
    blob = await tenant.hub.blobs.get(BlobContainer.INBOUND, work.blob)
    assert blob
    await tenant.hub.blobs.put_new(BlobContainer.INBOUND, str(copy), blob.raw, content_type="", metadata=blob.metadata)
    await tenant.hub.store.store(work)
    assert await sweep_of(tenant).sweep() == 0


async def test_while_a_long_queue_is_worked_off_nothing_is_made_longer(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKLOG", 1)
    works = [await tenant.keep("email", mail()) for _ in range(2)]
    for work in works:
        await tenant.hub.queues.send(QueueName.INBOUND, work)
    assert await sweep_of(tenant).sweep() == 0
    assert len(tenant.take(QueueName.INBOUND)) == 2
    assert await sweep_of(tenant).sweep() == 2
