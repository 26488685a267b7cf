"""Documents that break the contract: each a dead letter with its reason, the rest of its batch applied."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from shared.models.text import MAX_DEPTH
from shared.sync.changes import Change, read_change
from tests.integration.shop import Document, Shop

pytest_plugins = ["tests.integration.shop_fixtures"]


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


# What is wrong, and what the reason must name. Cosmos DB itself never checks any of it.
POISON: dict[str, tuple[Document, str]] = {
    "id is no UUID": ({"id": "not-a-uuid"}, "id: "),
    "id is upper case": ({"id": "A0000000-0000-4000-8000-000000000001"}, "id, contactId: "),
    "id holds NUL": ({"id": "\0"}, "id: "),
    "contact is no UUID": ({"contactId": "ada@example.com"}, "contactId: "),
    "contact is missing": ({"contactId": None}, "contactId: "),
    "agent is no UUID": ({"agentId": "robin"}, "agentId: "),
    "organization is no UUID": ({"organizationId": "acme"}, "organizationId: "),
    "project is no UUID": ({"projectId": "demo"}, "projectId: "),
    "type is missing": ({"type": None}, "type: "),
    "type is too long": ({"type": "x" * 51}, "type: "),
    "type is a number": ({"type": 5}, "type: "),
    "NUL in type": ({"type": "a\0"}, "type: "),
    "NUL in content": ({"content": "a\0b"}, "content: "),
    "content is a number": ({"content": 5}, "content: "),
    "content is huge": ({"content": "x" * 1_000_001}, "content: "),
    "lone surrogate in content": ({"content": "\ud800"}, "content: "),
    "NUL in a metadata key": ({"metadata": {"a\0": 1}}, "metadata: "),
    "NUL in a metadata value": ({"metadata": {"a": ["\0"]}}, "metadata: "),
    "lone surrogate in a metadata key": ({"metadata": {"\udfff": 1}}, "metadata: "),
    "lone surrogate in a metadata value": ({"metadata": {"a": "\ud800"}}, "metadata: "),
    "NaN": ({"metadata": {"a": float("nan")}}, "metadata: "),
    "infinity": ({"metadata": {"a": [float("-inf")]}}, "metadata: "),
    "an integer of 5000 digits": ({"metadata": {"a": 10**5000}}, "metadata: "),
    "metadata is a list": ({"metadata": []}, "metadata: "),
    "metadata is too deep": ({"metadata": nested(MAX_DEPTH)}, "metadata: "),
    "metadata is absurdly deep": ({"metadata": nested(100_000)}, "metadata: "),
    "timestamp is missing": ({"timestamp": None}, "timestamp: "),
    "timestamp is a number": ({"timestamp": 1716891630}, "timestamp: "),
    "timestamp is a word": ({"timestamp": "yesterday"}, "timestamp: "),
    "timestamp is past the calendar": ({"timestamp": "9999-12-31T23:59:59-14:00"}, "timestamp: "),
    "deleted is a word": ({"deleted": "perhaps"}, "deleted: "),
    "version is a text": ({"version": "5"}, "version: "),
    "version is too large": ({"version": 2**63}, "version: "),
    "version is negative": ({"version": -1}, "version: "),
    "etag is missing": ({"_etag": None}, "_etag: "),
    "ts is missing": ({"_ts": None}, "_ts: "),
}


@pytest.fixture
def written(shop: Shop) -> Any:
    """Documents as the feed brings them."""
    return lambda **changed: shop.document() | {"_etag": f'"{uuid.uuid4()}"', "_ts": 1_717_000_000} | changed


@pytest.mark.parametrize("kind", POISON)
async def test_a_poisoned_document_is_a_dead_letter_and_the_rest_of_its_batch_is_applied(
    shop: Shop, written: Any, kind: str
) -> None:
    wrong, reason = POISON[kind]
    for position in range(4):
        batch = [written() for _ in range(4)]
        batch[position] |= wrong
        marker = batch[position]["_etag"] or batch[position]["id"]
        applied = await shop.hub.sync.apply_changes(batch)
        assert (applied.written, applied.dead) == (3, 1)
        (letter,) = shop.rows("SELECT * FROM dead_letters WHERE %s IN (payload->>'_etag', payload->>'id')", marker)
        assert letter["reason"].startswith(reason)
        assert letter["stage"] == "sync_interactions"
        good = [each["id"] for each in batch if each is not batch[position]]
        assert all(shop.interaction(identifier)["content"] == "called back" for identifier in good)


async def test_a_batch_of_nothing_but_poison_is_a_dead_letter_each(shop: Shop, written: Any) -> None:
    batch = [written() | wrong for wrong, _ in POISON.values()]
    applied = await shop.hub.sync.apply_changes(batch)
    assert (applied.written, applied.dead) == (0, len(batch))


async def test_the_same_poison_twice_is_one_dead_letter_seen_twice(shop: Shop, written: Any) -> None:
    poison = written(content="\0")
    await shop.hub.sync.apply_changes([poison])
    await shop.hub.sync.apply_changes([poison])
    (letter,) = shop.dead_letters(poison["id"])
    assert letter["seen"] == 2
    assert letter["state"] == "open"


async def test_another_version_of_a_poison_is_another_dead_letter(shop: Shop, written: Any) -> None:
    poison = written(content="\0")
    await shop.hub.sync.apply_changes([poison, poison | {"_etag": '"next"'}])
    assert len(shop.dead_letters(poison["id"])) == 2


async def test_a_dead_letter_holds_no_content(shop: Shop, written: Any) -> None:
    poison = written(content="my secret\0", type="secret type " * 10, metadata={"secret": "\0"})
    await shop.hub.sync.apply_changes([poison])
    (letter,) = shop.dead_letters(poison["id"])
    assert "secret" not in f"{letter['reason']} {letter['payload']}"


async def test_what_only_the_database_refuses_is_found_among_its_batch(
    shop: Shop, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchecked(document: Document) -> Change:
        change = read_change(document | {"type": "note"})
        assert isinstance(change, Change)
        return replace(change, json=change.json.replace(b'"note"', f'"{document["type"]}"'.encode()))

    monkeypatch.setattr("shared.sync.batch.read_change", unchecked)
    batch = [written() for _ in range(4)]
    batch[2]["type"] = "x" * 51
    applied = await shop.hub.sync.apply_changes(batch)
    (letter,) = shop.dead_letters(batch[2]["id"])
    assert (applied.written, applied.dead) == (3, 1)
    assert letter["reason"] == "Postgres refuses a value: StringDataRightTruncation"


async def test_metadata_may_nest_as_deep_as_the_limit(shop: Shop, written: Any) -> None:
    document = written(metadata=nested(MAX_DEPTH - 1))
    await shop.hub.sync.apply_changes([document])
    assert shop.interaction(document["id"])["metadata"] == document["metadata"]


@pytest.mark.parametrize("year", ["0001", "0999", "1969", "9999"])
async def test_far_dates_keep_their_year(shop: Shop, written: Any, year: str) -> None:
    document = written(timestamp=f"{year}-06-01T00:00:00Z")
    await shop.hub.sync.apply_changes([document])
    assert shop.interaction(document["id"])["timestamp"].year == int(year)


async def test_fields_that_only_cosmos_db_holds_are_not_looked_at(shop: Shop, written: Any) -> None:
    document = written(embedding="no vector", tags={"not": "a list"}, more="\0")
    assert (await shop.hub.sync.apply_changes([document])).written == 1
