"""Names of raw deliveries in Blob, and what is written beside them."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingestion.raw import RawName, from_metadata, hour_of, to_metadata

ID = UUID("a8b5d1a2-0d2b-4c0e-8f3a-6d6f6a1f0c11")  # random ids would be other tests in each process of a run
NAME = RawName("2026-11-22-08", ID, ID, ID)


def test_a_name_reads_back_as_its_parts() -> None:
    assert RawName.parse(str(NAME)) == NAME


@pytest.mark.parametrize(
    "name",
    ["", "x", f"{NAME}/more", f"2026-11-22/{ID}/{ID}/{ID}", f"2026-11-22-08/{ID}/x/{ID}",
     f"2026-99-22-08/{ID}/{ID}/{ID}", f"../{ID}/{ID}/{ID}"],
)  # fmt: skip
def test_another_blob_is_no_raw_delivery(name: str) -> None:
    assert RawName.parse(name) is None


def test_hours_are_utc_and_sort_as_time_does() -> None:
    late = datetime(2026, 11, 22, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert hour_of(late) == "2026-11-21-23"
    assert hour_of(late) < hour_of(late + timedelta(hours=1)) < hour_of(late + timedelta(hours=10))


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.datetimes(timezones=st.just(UTC)))
def test_metadata_travels_in_ascii_headers_and_reads_back(key: str, at: datetime) -> None:
    metadata = to_metadata(at, key)
    assert all(value.isascii() and value.isprintable() and " " not in value for value in metadata.values())
    assert from_metadata(metadata) == (at, key)
