"""Cursors of pages: what was given is taken back, anything else is a 400 that names the parameter."""

import json
import uuid
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.inbox.cursors import DEFAULT_LIMIT, MAX_LIMIT, next_cursor, read_cursor


def opaque(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode()


@given(st.datetimes(timezones=st.just(UTC)), st.uuids(), st.integers(1, MAX_LIMIT))
def test_a_cursor_says_where_its_page_ended(moment: datetime, identifier: uuid.UUID, limit: int) -> None:
    page = read_cursor(None, str(limit))
    rows = [{"at": moment, "id": identifier}] * (limit + 1)
    given_back = read_cursor(next_cursor(rows, page, "at"), str(limit))
    assert (given_back.moment, given_back.id, given_back.limit) == (moment, identifier, limit)


def test_the_last_page_has_no_cursor() -> None:
    page = read_cursor(None, "2")
    rows = [{"at": datetime.now(UTC), "id": uuid.uuid4()}] * 2
    assert next_cursor(rows, page, "at") is None
    assert next_cursor([], page, "at") is None


def test_a_query_asks_for_one_row_more_than_the_page() -> None:
    assert read_cursor(None, "5").parameters()["limit"] == 6


def test_without_a_limit_a_page_has_its_usual_size() -> None:
    assert read_cursor("", None).limit == DEFAULT_LIMIT


@pytest.mark.parametrize("limit", ["", "0", "-1", "101", "1.5", "many", "1e1", " 1", "9" * 10_000, "²"])
def test_a_limit_out_of_bounds_is_refused(limit: str) -> None:
    with pytest.raises(Rejected) as raised:
        read_cursor(None, limit)
    assert (raised.value.status, raised.value.field) == (400, "limit")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "....",
        "ünïcode",
        "\ud800",
        opaque([]),
        opaque({}),
        opaque(None),
        opaque(["2024-05-28T10:20:30+00:00"]),
        opaque(["now", str(uuid.UUID(int=1))]),
        opaque([1, 2]),
        opaque(["2024-05-28T10:20:30+00:00", 5]),
        opaque(["2024-05-28T10:20:30+00:00", "no id"]),
        urlsafe_b64encode(b"[" * 100_000).decode(),
        urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_was_never_given_is_refused(cursor: str) -> None:
    with pytest.raises(Rejected) as raised:
        read_cursor(cursor, None, field="factsCursor")
    assert (raised.value.status, raised.value.field) == (400, "factsCursor")


@given(st.text())
def test_no_cursor_does_worse_than_being_refused(cursor: str) -> None:
    with suppress(Rejected):
        assert read_cursor(cursor, None).limit == DEFAULT_LIMIT
