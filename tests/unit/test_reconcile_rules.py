"""The rules of the comparison: what is the same, what differs in what, how wide windows are, how much is too much."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.stores.postgres import Row
from shared.sync.changes import Change, read_change
from shared.sync.reconcile import Policy
from shared.sync.reconcile_confirm import suspects
from shared.sync.reconcile_fields import content_sha256, difference, digest_of_change, digest_of_row
from shared.sync.reconcile_places import NARROWEST, WIDEST, Place
from shared.sync.reconcile_windows import ALL_IDS, Horizon, Key, Seen

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def change(**changed: Any) -> Change:
    document = {
        "id": str(UUID(int=1)),
        "contactId": str(UUID(int=2)),
        "projectId": str(UUID(int=3)),
        "type": "note",
        "content": "called back",
        "timestamp": "2026-01-01T10:00:00.000001Z",
        "metadata": {"source": "crm"},
        "version": 1_772_000_000_000_000,
        "_ts": 1_772_000_000,
        "_etag": '"1"',
    } | changed
    read = read_change(document)
    assert isinstance(read, Change), read
    return read


def row(of: Change, **changed: Any) -> Row:
    """The row that a change makes, as Postgres says it."""
    return {
        **{name: value for name, value in of.row.items() if name != "content"},
        "content_sha256": content_sha256(of),
        "metadata": json.dumps(of.row["metadata"]),
        "created_at": NOW,
    } | changed


def test_a_document_and_its_row_have_one_digest() -> None:
    assert digest_of_change(change()) == digest_of_row(row(change()))


@pytest.mark.parametrize(
    "changed",
    [
        {"agentId": str(uuid.uuid4())},
        {"organizationId": str(uuid.uuid4())},
        {"type": "call"},
        {"content": "called"},
        {"timestamp": "2026-01-01T10:00:00.000002Z"},
        {"metadata": {"source": "CRM"}},
        {"metadata": {"source": "crm", "more": None}},
        {"deleted": True},
        {"_etag": '"2"'},
    ],
)
def test_every_shared_field_is_in_the_digest(changed: dict[str, Any]) -> None:
    assert digest_of_change(change(**changed)) != digest_of_row(row(change()))


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("2.0", "2"),
        ("-0.0", "0"),
        ("1e2", "100"),
        ("1e300", "1" + "0" * 300),
        ("0.1", "0.1000"),
        ("1e-7", "0.0000001"),
        ("12345678901234567890", "12345678901234567890"),
        ('{"a": 1, "b": [2.0]}', '{"b": [2], "a": 1}'),
    ],
)
def test_a_number_is_the_same_however_it_is_spelled(said: str, stored: str) -> None:
    document = change(metadata={"value": json.loads(said)})
    assert digest_of_change(document) == digest_of_row(row(document, metadata=f'{{"value": {stored}}}'))


@pytest.mark.parametrize("stored", ["true", "1.5", '"1"', "null", "[1]", "2", "9" * 5000, "9" * 350])
def test_another_value_is_another_digest(stored: str) -> None:
    document = change(metadata={"value": 1})
    assert digest_of_change(document) != digest_of_row(row(document, metadata=f'{{"value": {stored}}}'))


@given(metadata=st.dictionaries(st.text("abc", max_size=3), JSON, max_size=4))
def test_metadata_that_went_through_json_is_the_same(metadata: dict[str, Any]) -> None:
    document = change(metadata=metadata)
    assert digest_of_change(document) == digest_of_row(row(document))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, None),
        ({"content_sha256": "0" * 64}, "other_content"),
        ({"metadata": "{}"}, "other_metadata"),
        ({"type": "call"}, "other_fields"),
        ({"deleted": True}, "deleted_on_one_side"),
        ({"source_etag": '"0"', "source_ts": 1_771_999_999, "content_sha256": "0" * 64}, "older_version"),
        ({"source_etag": None, "source_version": 0, "source_ts": 0}, "older_version"),
        ({"source_etag": '"9"', "source_ts": 1_772_000_009, "content_sha256": "0" * 64}, "other_content"),
    ],
)
def test_a_difference_is_told_by_its_kind(changed: dict[str, Any], kind: str | None) -> None:
    assert difference(row(change(), **changed), change(), owned=True) == kind


def test_a_missing_side_is_told_by_its_kind() -> None:
    assert difference(None, change(), owned=True) == "missing_row"
    assert difference(row(change()), None, owned=False) == "absent_in_cosmos"
    assert difference(row(change()), change(), owned=False) == "another_project"
    assert difference(row(change(), deleted=True), None, owned=False) is None
    assert difference(row(change(), deleted=True), change(), owned=False) is None
    assert difference(None, change(), owned=False) is None
    assert difference(None, None, owned=False) is None


def key(number: int) -> Key:
    return UUID(int=number), UUID(int=0)


def seen(digest: str, *, young: bool = False, deleted: bool = False, unconfirmed: bool = False) -> Seen:
    return Seen(digest.encode(), young, deleted, unconfirmed)


def test_only_what_is_old_and_alive_on_one_side_or_differs_is_suspect() -> None:
    documents = {
        key(1): seen("same"),
        key(2): seen("one"),
        key(3): seen("no row"),
        key(4): seen("no row", young=True),
        key(5): seen("one", young=True),
        key(6): seen("one"),
        key(10): seen("one"),
    }
    rows = {
        key(1): seen("same"),
        key(2): seen("other"),
        key(5): seen("other"),
        key(6): seen("other", young=True),
        key(7): seen("no document"),
        key(8): seen("no document", young=True),
        key(9): seen("no document", deleted=True),
        key(10): seen("other", unconfirmed=True),
        key(11): seen("no document", unconfirmed=True),
    }
    found = suspects(documents, rows)
    assert (found.compared, found.waiting) == (11, 5)
    assert found.keys == [key(2), key(3), key(7), key(10)]


def test_a_row_is_young_by_its_document_or_while_it_has_none_by_its_own_time() -> None:
    horizon = Horizon(written=1_000, unconfirmed=int(NOW.timestamp()))
    confirmed, unconfirmed = {"source_version": 1, "created_at": NOW}, {"source_version": 0, "source_ts": 0}
    assert horizon.young(confirmed | {"source_ts": 1_000})
    assert not horizon.young(confirmed | {"source_ts": 999})
    assert horizon.young(unconfirmed | {"created_at": NOW})
    assert not horizon.young(unconfirmed | {"created_at": NOW - timedelta(seconds=1)})
    assert not horizon.young(unconfirmed | {"created_at": NOW}, change(_ts=999))
    assert horizon.young(None, change(_ts=1_000))
    assert not horizon.young(None)


@given(counts=st.lists(st.integers(0, 20_000), min_size=1, max_size=60))
def test_the_windows_of_a_round_hold_every_id_once(counts: list[int]) -> None:
    place, end = Place.read(None, NOW), 0
    for count in [*counts, *[100_000] * 3]:
        window = place.window
        assert window.first == end
        assert window.before <= ALL_IDS
        following = Place.read(place.after(count, 5_000, NOW + timedelta(hours=1)).text, NOW)
        assert NARROWEST <= following.bits <= WIDEST
        end = window.before % ALL_IDS
        assert (following.completed is None) == (place.completed is None and end != 0)
        place = following


def test_a_round_that_ends_says_since_when_all_is_compared() -> None:
    begun = Place.read(None, NOW)
    ended = begun.after(10, 5_000, NOW + timedelta(hours=1))
    assert (ended.first, ended.completed, ended.round_started_at) == (0, NOW, NOW + timedelta(hours=1))


def test_windows_grow_where_they_are_empty_and_shrink_where_they_are_full() -> None:
    place = Place(0, 100, NOW)
    assert [place.after(count, 5_000, NOW).bits for count in (1_249, 1_250, 5_000, 5_001)] == [101, 100, 100, 99]
    assert place.narrower().bits == 98
    assert Place(0, NARROWEST, NOW).narrower() == Place(0, NARROWEST, NOW)
    assert Place(0, NARROWEST, NOW).narrowest


@pytest.mark.parametrize(
    ("differing", "compared", "too_many"),
    [(20, 20, False), (21, 21, True), (21, 2000, True), (21, 2100, False), (50, 5000, False), (51, 5000, True)],
)
def test_more_than_a_percent_is_too_much_where_it_is_more_than_twenty(
    differing: int, compared: int, *, too_many: bool
) -> None:
    assert Policy().too_many(differing, compared) == too_many
