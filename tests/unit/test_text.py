"""Text from outside, made storable and bounded."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.text import (
    MAX_CONTENT_BYTES,
    MAX_METADATA_BYTES,
    bounded_content,
    cut,
    plausible_time,
    storable,
)

RECEIVED = datetime(2024, 5, 28, 12, tzinfo=UTC)
ANY_TEXT = st.text(st.characters())  # lone surrogates too


@given(ANY_TEXT)
def test_storable_text_is_utf_8_without_nul(text: str) -> None:
    stored = storable(text)
    assert "\0" not in stored
    assert stored.encode().decode() == stored
    assert storable(stored) == stored


@given(st.text().filter(lambda text: "\0" not in text))
def test_text_that_is_storable_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


@given(st.text(), st.integers(0, 40))
def test_a_cut_text_is_the_longest_beginning_that_fits(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert text.startswith(short)
    assert len(short.encode()) <= limit
    if short != text:
        assert len(text[: len(short) + 1].encode()) > limit


def test_content_within_its_limit_is_not_touched() -> None:
    metadata = {"a": 1}
    assert bounded_content("x" * MAX_CONTENT_BYTES, metadata) == ("x" * MAX_CONTENT_BYTES, metadata)


def test_content_beyond_its_limit_is_cut_and_flagged() -> None:
    content, metadata = bounded_content("é" * MAX_CONTENT_BYTES, {"a": 1})
    assert len(content.encode()) == MAX_CONTENT_BYTES
    assert metadata == {"a": 1, "contentCut": True}


@pytest.mark.parametrize("content", ["short", "x" * (MAX_CONTENT_BYTES + 1)])
def test_metadata_beyond_its_limit_is_replaced_by_flags(content: str) -> None:
    kept, metadata = bounded_content(content, {"a": "é" * MAX_METADATA_BYTES})
    assert metadata == {"metadataCut": True, "contentCut": kept != content}


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_metadata_never_passes_its_limit(metadata: dict[str, str]) -> None:
    _, kept = bounded_content("", metadata)
    assert len(json.dumps(kept, ensure_ascii=False).encode()) <= MAX_METADATA_BYTES


@pytest.mark.parametrize("offset", [timedelta(), timedelta(days=-30), timedelta(minutes=10)])
def test_a_plausible_sent_time_is_kept_in_utc(offset: timedelta) -> None:
    sent = (RECEIVED + offset).astimezone(timezone(timedelta(hours=9)))
    moment, flags = plausible_time(sent, RECEIVED)
    assert (moment, moment.tzinfo, flags) == (RECEIVED + offset, UTC, {})


@pytest.mark.parametrize("offset", [timedelta(days=-30, microseconds=-1), timedelta(minutes=10, microseconds=1)])
def test_an_implausible_sent_time_is_replaced_by_receipt_and_kept_beside(offset: timedelta) -> None:
    moment, flags = plausible_time(RECEIVED + offset, RECEIVED)
    assert moment == RECEIVED
    assert flags == {"originalTimestamp": (RECEIVED + offset).isoformat()}


@pytest.mark.parametrize("sent", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_implausible_and_do_no_harm(sent: datetime) -> None:
    assert plausible_time(sent, RECEIVED)[0] == RECEIVED
