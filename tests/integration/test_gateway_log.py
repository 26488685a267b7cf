"""Every call to a model leaves one row in the AI-interaction log, whatever came of it."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.ai.gateway import Gateway, Subject
from shared.ai.log import MAX_ERROR_CHARACTERS
from shared.ai.pauses import Pauses
from shared.ai.providers.offline import OfflineProvider
from shared.errors import HubError, Misconfigured, Permanent, Transient
from shared.identifiers import InteractionId, MessageId
from tests.integration.tenant import Tenant

pytest_plugins = ["tests.integration.tenant_fixtures"]

SENT = datetime(2026, 11, 22, tzinfo=UTC)


class Failing(OfflineProvider):
    """An engine that always fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def embed(self, text: str) -> Any:
        raise self.error

    async def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Any:
        raise self.error

    async def analyze_image(self, raw: bytes, *, filename: str) -> Any:
        raise self.error


def gateway_of(tenant: Tenant, provider: OfflineProvider) -> Gateway:
    return Gateway(provider, tenant.hub.call_log, Pauses(tenant.hub.clock))


def subject_of(tenant: Tenant) -> Subject:
    return Subject(tenant.id, InteractionId(uuid4()), MessageId(uuid4()))


def log(tenant: Tenant) -> list[dict[str, Any]]:
    return tenant.rows('SELECT * FROM ai_interactions WHERE project_id = %s ORDER BY "timestamp"', tenant.id)


async def test_a_call_is_logged_with_what_was_sent_and_what_came_back(tenant: Tenant) -> None:
    about = subject_of(tenant)
    answer = await gateway_of(tenant, OfflineProvider()).analyze_message(about, "Thanks!", subject="Hi", sent_at=SENT)
    (row,) = log(tenant)
    assert (row["purpose"], row["status"], row["error_code"]) == ("message_analysis", "success", None)
    assert (row["interaction_id"], row["message_id"]) == (about.interaction_id, about.message_id)
    assert (row["request"], row["response"]) == (answer.request, answer.response)
    assert row["model_name"] == answer.model
    canonical = json.dumps(answer.request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row["prompt_hash"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert 0 <= row["latency_ms"] < 60_000
    assert abs(row["timestamp"] - datetime.now(UTC)) < timedelta(minutes=1)


async def test_every_call_is_a_row_of_its_own(tenant: Tenant) -> None:
    gateway, about = gateway_of(tenant, OfflineProvider()), subject_of(tenant)
    for _ in range(2):
        await gateway.embed(about, "Thanks!")
    assert [row["purpose"] for row in log(tenant)] == ["embedding"] * 2


@pytest.mark.parametrize("error", [Transient("429: later"), Permanent("unreadable"), Misconfigured("no key")])
async def test_a_call_that_fails_is_logged_and_raised(tenant: Tenant, error: HubError) -> None:
    gateway, about = gateway_of(tenant, Failing(error)), subject_of(tenant)
    with pytest.raises(type(error)):
        await gateway.embed(about, "x")
    with pytest.raises(type(error)):
        await gateway.analyze_message(about, "x", subject="", sent_at=SENT)
    with pytest.raises(type(error)):
        await gateway.analyze_image(about, b"x", {"filename": "a.png", "size_bytes": 1})
    rows = log(tenant)
    assert [row["purpose"] for row in rows] == ["embedding", "message_analysis", "image_analysis"]
    for row in rows:
        assert (row["status"], row["error_code"], row["error_message"]) == ("error", type(error).__name__, str(error))
        assert (row["response"], row["model_name"]) == (None, None)
        assert row["interaction_id"] == about.interaction_id
    assert rows[2]["file_metadata"] == {"filename": "a.png", "size_bytes": 1}


async def test_a_call_that_fails_as_nobody_expected_is_logged_too_without_its_words(tenant: Tenant) -> None:
    with pytest.raises(RuntimeError):
        await gateway_of(tenant, Failing(RuntimeError("ada@example.com"))).embed(subject_of(tenant), "x")
    (row,) = log(tenant)
    assert (row["status"], row["error_code"], row["error_message"]) == ("error", "RuntimeError", None)


async def test_a_long_error_is_cut(tenant: Tenant) -> None:
    with pytest.raises(Transient):
        await gateway_of(tenant, Failing(Transient("x" * 5000))).embed(subject_of(tenant), "x")
    (row,) = log(tenant)
    assert row["error_message"] == "x" * MAX_ERROR_CHARACTERS


async def test_the_log_of_a_project_is_its_own(tenant: Tenant, other_tenant: Tenant) -> None:
    await gateway_of(tenant, OfflineProvider()).embed(subject_of(tenant), "x")
    assert (len(log(tenant)), len(log(other_tenant))) == (1, 0)
