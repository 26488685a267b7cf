"""The interaction document, field by field of its contract."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.models.documents import InteractionDocument, iso, new_document
from tests.unit.committed import ROW


def test_a_new_document_has_the_contracts_fields_and_four_of_ours() -> None:
    document = new_document(ROW, version=7)
    assert document == {
        "id": str(ROW["id"]),
        "agentId": str(ROW["agent_id"]),
        "contactId": str(ROW["contact_id"]),
        "organizationId": None,
        "type": "email",
        "timestamp": "2024-05-28T10:20:30.000005Z",
        "content": "hello",
        "metadata": {"a": 1},
        "embedding": None,
        "embeddingModel": None,
        "embeddingDate": None,
        "tags": [],
        "projectId": str(ROW["project_id"]),
        "version": 7,
        "deleted": False,
        "schemaVersion": 2,
    }


def test_what_is_written_reads_back_the_same() -> None:
    document = new_document(ROW, version=7) | {"_ts": 1, "_etag": "e"}
    read = InteractionDocument.read(document)
    for name in ROW.keys() - {"deleted_at"}:
        assert getattr(read, name) == ROW[name]


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_keeps_its_year_and_its_microseconds(moment: datetime) -> None:
    text = iso(moment)
    assert len(text) == len("2024-05-28T10:20:30.000005Z")
    assert datetime.fromisoformat(text) == moment


def test_another_offset_is_the_same_moment() -> None:
    moment = datetime(2024, 5, 28, 12, tzinfo=timezone(timedelta(hours=2)))
    assert iso(moment) == "2024-05-28T10:00:00.000000Z"


@pytest.mark.parametrize("version", [True, 1.5, "7", -1, 2**63])
def test_a_version_is_an_integer_that_a_bigint_holds(version: object) -> None:
    document = new_document(ROW, version=7) | {"_ts": 1, "_etag": "e", "version": version}
    with pytest.raises(ValidationError):
        InteractionDocument.read(document)


def test_the_order_is_the_later_of_version_and_store_time() -> None:
    document = new_document(ROW, version=7_000_001) | {"_ts": 7, "_etag": "e"}
    assert InteractionDocument.read(document).order == 7_000_001
    assert InteractionDocument.read(document | {"_ts": 8}).order == 8_000_000
    del document["version"]
    assert InteractionDocument.read(document).order == 7_000_000
