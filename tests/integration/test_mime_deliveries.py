"""Raw mail from the webhook to the stores: accepted on its header alone, read later, never lost."""

import json
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from schema.demo_project import new_secret
from shared.errors import Rejected
from shared.ingestion.provider import WebhookRequest
from shared.ingestion.sources import NewSource, add_source, publish_sources
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from tests.integration.tenant import Tenant, signed

pytest_plugins = ["tests.integration.tenant_fixtures"]

MAILS = Path(__file__).parents[1] / "fixtures" / "mime"


@dataclass(frozen=True)
class Relay:
    """A mail server that hands raw mails on to a source of the tenant."""

    tenant: Tenant
    source: UUID
    secret: str

    async def send(self, raw: bytes, **changed: str) -> dict[str, Any]:
        """Send a mail to ingest, and return what the relay is told."""
        headers = signed(self.secret, raw) | {"content-type": "message/rfc822"} | changed
        answer = await self.tenant.hub.ingest.receive("email", str(self.source), WebhookRequest(headers, {}, raw))
        assert answer.status == 202
        return dict(json.loads(answer.body))

    async def store(self) -> DeliveryWork:
        """Store the one delivery that waits, as the queue does."""
        (waiting,) = self.tenant.take(QueueName.INBOUND)
        work = DeliveryWork.model_validate(waiting)
        await self.tenant.hub.store.store(work)
        return work

    async def interaction(self, raw: bytes) -> dict[str, Any]:
        """Send and store a mail, and return its interaction's row."""
        told = await self.send(raw)
        await self.store()
        found = self.tenant.one("SELECT * FROM interactions WHERE id = %s", UUID(told["interactionIds"][0]))
        assert found
        return found


@pytest.fixture
async def relay(tenant: Tenant) -> Relay:
    source, secret = uuid.uuid4(), new_secret()
    new = NewSource(tenant.id, source, "relay", "email", "mime", (secret,), None)
    await add_source(new, tenant.hub.postgres, tenant.hub.vault)
    await publish_sources(tenant.hub.postgres, tenant.hub.blobs)
    return Relay(tenant, source, secret)


def raw_mail(name: str) -> bytes:
    """A mail of the fixtures, from an address that no other test has."""
    return (
        (MAILS / f"{name}.eml").read_bytes().replace(b"ada@example.com", f"{secrets.token_hex(4)}@example.com".encode())
    )


async def test_a_raw_mail_becomes_an_interaction_with_its_files(relay: Relay) -> None:
    row = await relay.interaction(raw_mail("related-inside-mixed"))
    assert (row["type"], row["content"], row["subject"], row["direction"]) == ("email", "Plain", "Clock", "inbound")
    assert row["metadata"]["inline"] == [0]
    files = relay.tenant.rows("SELECT * FROM attachments WHERE project_id = %s ORDER BY position", relay.tenant.id)
    assert [file["type"] for file in files] == ["image", "image"]
    (document,) = relay.tenant.documents()
    assert document["content"] == "Plain"


async def test_a_mail_without_a_date_was_sent_when_it_came(relay: Relay) -> None:
    row = await relay.interaction(raw_mail("date-missing"))
    (delivery,) = relay.tenant.rows("SELECT received_at FROM deliveries WHERE project_id = %s", relay.tenant.id)
    assert row["timestamp"] == delivery["received_at"]
    assert row["metadata"]["flags"] == ["date-missing"]


async def test_a_reply_joins_the_conversation_of_the_mail_it_answers(relay: Relay) -> None:
    first = await relay.interaction(raw_mail("plain-ascii"))
    answer = raw_mail("plain-lf-only").replace(
        b"Message-ID: <1@example.com>", b"Message-ID: <2@example.com>\nIn-Reply-To: <1@example.com>"
    )
    reply = await relay.interaction(answer)
    assert reply["id"] != first["id"]
    assert reply["conversation_id"] == first["conversation_id"]


async def test_a_mail_sent_twice_is_one_interaction(relay: Relay) -> None:
    raw = raw_mail("plain-ascii")
    assert (await relay.interaction(raw))["id"] == (await relay.interaction(raw))["id"]
    assert relay.tenant.count("interactions") == 1


@pytest.mark.parametrize(
    ("name", "reason"), [("parts-over-200", "200 parts"), ("from-missing", "From"), ("fields-over-500", "500")]
)
async def test_a_mail_that_can_not_be_read_is_accepted_kept_and_quarantined(
    relay: Relay, name: str, reason: str
) -> None:
    raw = raw_mail(name)
    await relay.send(raw)
    work = await relay.store()
    delivery = relay.tenant.delivery(work)
    assert delivery
    assert delivery["state"] == "quarantined"
    assert reason in delivery["reason"]
    assert relay.tenant.count("interactions") == 0
    kept = await relay.tenant.hub.blobs.get(BlobContainer.INBOUND, work.blob)
    assert kept
    assert kept.raw == raw


@pytest.mark.parametrize(
    ("raw", "changed", "status"),
    [
        (b"Hello, this is no mail.\r\n", {}, 422),
        (b"From: ada@example.com\r\n\r\n", {"content-type": "text/plain"}, 415),
        (b"From: ada@example.com\r\n\r\n", {"webhook-signature": "v1,AAAA"}, 401),
        (b"From: ada@example.com\r\n\r\n" + b"x" * 30_000_000, {}, 413),
    ],
    ids=["no mail", "another type", "another signature", "too large"],
)
async def test_what_is_refused_leaves_nothing(relay: Relay, raw: bytes, changed: dict[str, str], status: int) -> None:
    with pytest.raises(Rejected) as refusal:
        await relay.send(raw, **changed)
    assert refusal.value.status == status
    assert relay.tenant.blobs(BlobContainer.INBOUND) == []
    assert relay.tenant.take(QueueName.INBOUND) == []
