"""Documents that break the contract: each a dead letter with its reason, the rest of its batch applied."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from shared.inbox.dead_letters import DeadLetter
from shared.models.text import MAX_DEPTH
from shared.sync.changes import Change, read_change
from tests.integration.shop import Document, Shop
from tests.poison import POISON, nested

pytest_plugins = ["tests.integration.shop_fixtures"]


@pytest.fixture
def written(shop: Shop) -> Any:
    """Documents as the feed brings them."""
    return lambda **changed: shop.document() | {"_etag": f'"{uuid.uuid4()}"', "_ts": 1_717_000_000} | changed


@pytest.mark.parametrize("position", range(4))
async def test_a_poisoned_document_of_each_kind_is_a_dead_letter_and_those_beside_it_are_applied(
    shop: Shop, written: Any, position: int
) -> None:
    batch, bad = [], []
    for wrong, _ in POISON.values():
        four = [written() for _ in range(4)]
        four[position] |= wrong
        bad.append(four[position])
        batch += four
    applied = await shop.hub.sync.apply_changes(batch)
    assert (applied.written, applied.dead) == (3 * len(POISON), len(POISON))
    stored = {str(row["id"]) for row in shop.rows("SELECT id FROM interactions WHERE project_id = %s", shop.id)}
    assert stored == {each["id"] for each in batch if each not in bad}
    for document, (_, reason) in zip(bad, POISON.values(), strict=True):
        marker = next(each for each in (document["_etag"], document["id"]) if each and len(each) <= 100)
        (letter,) = shop.rows("SELECT * FROM dead_letters WHERE %s IN (payload->>'_etag', payload->>'id')", marker)
        assert letter["reason"].startswith(reason)
        assert letter["stage"] == "sync_interactions"
    contacts = {str(row["id"]) for row in shop.rows("SELECT id FROM contacts WHERE project_id = %s", shop.id)}
    assert contacts == {each["contactId"] for each in batch if each not in bad}


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


def unchecked(document: Document) -> Change | DeadLetter:
    """Read a document and leave the length of its type to Postgres."""
    change = read_change(document | {"type": "note"})
    if isinstance(change, DeadLetter):
        return change
    return replace(change, json=change.json.replace(b'"note"', f'"{document["type"]}"'.encode()))


@pytest.mark.parametrize("wrong", [{0}, {1}, {2}, {3}, {0, 3}, {1, 2}, {0, 1, 2, 3}])
async def test_what_only_the_database_refuses_is_found_among_its_batch(
    shop: Shop, other_shop: Shop, written: Any, monkeypatch: pytest.MonkeyPatch, wrong: set[int]
) -> None:
    monkeypatch.setattr("shared.sync.batch.read_change", unchecked)
    batch = [written(projectId=str(each.id)) for each in (shop, other_shop) for _ in range(2)]
    for place in wrong:
        batch[place]["type"] = "x" * 51
    committed = []

    async def commit_with(transaction: object) -> None:
        committed.append(transaction)

    applied = await shop.hub.sync.apply_changes([*batch, written(content="\0")], commit_with=commit_with)
    assert (applied.written, applied.dead, len(committed)) == (4 - len(wrong), len(wrong) + 1, 1)
    for place, document in enumerate(batch):
        reasons = [letter["reason"] for letter in shop.dead_letters(document["id"])]
        stored = shop.rows("SELECT 1 FROM interactions WHERE id = %s", document["id"])
        assert reasons == (["Postgres refuses a value: StringDataRightTruncation"] if place in wrong else [])
        assert len(stored) == (0 if place in wrong else 1)


async def test_metadata_may_nest_as_deep_as_the_limit(shop: Shop, written: Any) -> None:
    document = written(metadata=nested(MAX_DEPTH - 1))
    await shop.hub.sync.apply_changes([document])
    assert shop.interaction(document["id"])["metadata"] == document["metadata"]


async def test_long_keys_large_numbers_and_odd_texts_are_no_poison(shop: Shop, written: Any) -> None:
    odd = {"k" * 100_000: 1, "long": 10**4000, "far": 1e308, "small": 5e-324, "text": "NaN \\u0000 Infinity {[{["}
    documents = [written(metadata=odd), written(content="NaN, \\u0000 and -Infinity" + "[" * 100, type="Infinity")]
    applied = await shop.hub.sync.apply_changes(documents)
    assert (applied.written, applied.dead) == (2, 0)
    metadata = "SELECT metadata::text AS text FROM interactions WHERE id = %s"
    assert shop.one(metadata, documents[0]["id"])["text"].count("0") > 4000
    assert shop.interaction(documents[1]["id"])["content"] == documents[1]["content"]


@pytest.mark.parametrize("year", ["0001", "0999", "1969", "9999"])
async def test_far_dates_keep_their_year(shop: Shop, written: Any, year: str) -> None:
    document = written(timestamp=f"{year}-06-01T00:00:00Z")
    await shop.hub.sync.apply_changes([document])
    assert shop.interaction(document["id"])["timestamp"].year == int(year)


async def test_a_seventh_digit_of_a_second_is_cut(shop: Shop, written: Any) -> None:
    document = written(timestamp="2026-01-01T00:00:00.1234567Z")
    await shop.hub.sync.apply_changes([document])
    assert shop.interaction(document["id"])["timestamp"].microsecond == 123456


async def test_fields_that_only_cosmos_db_holds_are_not_looked_at(shop: Shop, written: Any) -> None:
    document = written(embedding="no vector", tags={"not": "a list"}, more="\0")
    assert (await shop.hub.sync.apply_changes([document])).written == 1
