"""Which version of a document is the newer one, and what a document says of its tenant."""

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter
from shared.models.documents import InteractionDocument
from shared.stores.postgres import holds_nul
from shared.sync.batch import PART, Batch, parts
from shared.sync.changes import Change, read_change
from shared.sync.projects import by_first_name
from tests.poison import POISON

SECOND = 1_717_000_000
ID, CONTACT = "b0000000-0000-4000-8000-00000000000a", "c0000000-0000-4000-8000-00000000000a"


def document(**changed: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "contactId": CONTACT,
        "type": "note",
        "timestamp": "2024-05-28T10:20:30Z",
        "_ts": SECOND,
        "_etag": str(uuid.uuid4()),
    } | changed


def change(**changed: Any) -> Change:
    read = read_change(document(**changed))
    assert isinstance(read, Change)
    return read


def newest(versions: list[Change]) -> list[Change]:
    """Return what a batch of one project makes of these."""
    project = str(uuid.UUID(int=1))
    documents = [dict(version.document) | {"projectId": project} for version in versions]
    return [change for _, change in Batch(by_first_name(documents), {project: ProjectId(uuid.UUID(project))}).read()]


def test_of_two_versions_the_one_that_is_later_by_both_clocks_stays() -> None:
    old, new = change(_etag="old"), change(_ts=SECOND + 1, _etag="new")
    for batch in ([old, new], [new, old], [new, old, new, old]):
        (kept,) = newest(batch)
        assert (kept.etag, kept.contested) == ("new", False)


def test_versions_of_one_second_are_contested() -> None:
    first, second = change(version=SECOND * 1_000_000 + 5, _etag="a"), change(_etag="b")
    for batch in ([first, second], [second, first]):
        (kept,) = newest(batch)
        assert kept.contested


def test_versions_whose_clocks_disagree_are_contested() -> None:
    ahead, later = change(version=2**62), change(_ts=SECOND + 1)
    assert newest([ahead, later])[0].contested
    assert newest([later, ahead])[0].contested


def test_a_contest_is_not_forgotten_when_a_third_version_follows() -> None:
    ahead, later, latest = change(version=2**62), change(_ts=SECOND + 1), change(_ts=SECOND + 2)
    assert newest([ahead, later, latest])[0].contested


def test_the_same_version_twice_is_no_contest() -> None:
    once = change(_etag="same")
    (kept,) = newest([once, once, change(_etag="same")])
    assert not kept.contested


def test_documents_of_other_contacts_are_other_documents() -> None:
    other = change(contactId="a0000000-0000-4000-8000-00000000000a")
    assert [kept.contact_id for kept in newest([change(_etag="x"), other])] == [other.contact_id, uuid.UUID(CONTACT)]


@given(st.permutations([(version, second) for version in (None, 1, 2**60) for second in range(3)]))
def test_whatever_is_kept_without_contest_is_before_nothing(order: list[tuple[int | None, int]]) -> None:
    changes = [change(version=version, _ts=SECOND + second) for version, second in order]
    (kept,) = newest(changes)
    assert kept.contested or not any(kept.before(each) for each in changes)


def test_the_tenant_is_the_project_before_the_organization() -> None:
    project, organization = str(uuid.uuid4()), str(uuid.uuid4())
    both = change(projectId=project, organizationId=organization)
    assert [str(each) for each in both.tenants] == [project, organization]
    assert change(projectId=project).tenants == (uuid.UUID(project),)
    assert change().tenants == ()


def test_what_was_left_out_has_its_default() -> None:
    row = change().row
    assert (row["content"], row["metadata"], row["deleted"], row["agent_id"]) == ("", {}, False, None)


def test_a_time_without_an_offset_is_utc() -> None:
    assert change(timestamp="2024-05-28T10:20:30").row["timestamp"] == "2024-05-28T10:20:30.000000Z"
    assert change(timestamp="2024-05-28T12:20:30.1234567+02:00").row["timestamp"] == "2024-05-28T10:20:30.123456Z"


def test_a_dead_letter_points_at_the_document_and_quotes_nothing_of_it() -> None:
    letter = read_change(document(content="secret\0", projectId="x" * 300, metadata={"a": "secret"}))
    assert isinstance(letter, DeadLetter)
    assert letter.payload.keys() == {"id", "contactId", "projectId", "_etag"}
    assert len(letter.payload["projectId"]) == 100
    assert "secret" not in letter.reason


def test_a_time_that_is_none_is_not_quoted() -> None:
    letter = read_change(document(timestamp="call +49 30 901820"))
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "timestamp: Value error, must be an ISO 8601 text"


def test_what_nobody_foresaw_is_a_dead_letter_that_names_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(InteractionDocument, "read", broken)
    letter = read_change(document())
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "can't be read (KeyError)"


@given(
    st.dictionaries(
        st.sampled_from(["id", "contactId", "type", "content", "timestamp", "metadata", "version", "_ts", "_etag"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
        ),
    )
)
def test_reading_a_document_never_raises(changed: dict[str, Any]) -> None:
    read = read_change(document(**changed))
    assert isinstance(read, Change | DeadLetter)
    if isinstance(read, DeadLetter):
        assert read.reason
        assert read.fingerprint == read_change(document(**changed) | {"_etag": read.payload["_etag"]}).fingerprint  # type: ignore[union-attr] # the same document is as dead


@given(st.text(st.sampled_from('\\u0"\0a{'), max_size=12))
def test_nul_is_found_and_a_text_that_looks_like_its_escape_is_not(text: str) -> None:
    import json

    assert holds_nul(json.dumps({"a": [text]})) == ("\0" in text)
    assert holds_nul(json.dumps({text: 1}, ensure_ascii=False)) == ("\0" in text)


def test_rows_are_locked_by_project_contact_and_id_whatever_the_batch() -> None:
    projects = {str(uuid.UUID(int=at)): ProjectId(uuid.UUID(int=at)) for at in (1, 2)}
    places = [(project, contact, row) for project in projects for contact in range(3) for row in range(3)]
    documents = [
        document(projectId=project, contactId=str(uuid.UUID(int=9 - contact)), id=str(uuid.UUID(int=9 - row)))
        for project, contact, row in places
    ]
    batch = Batch(by_first_name(documents[::2] + documents[1::2]), projects)
    found = [(project, *reversed(change.key)) for project, change in batch.read()]
    assert found == sorted(found)
    assert len(found) == len(places)
    assert batch.letters == []


def test_a_statement_has_one_project_a_bounded_number_of_rows_and_no_id_twice() -> None:
    one, other = (ProjectId(uuid.UUID(int=at)) for at in (1, 2))
    rows = [change(id=str(uuid.UUID(int=at))) for at in range(PART + 1)]
    owned = [*((one, row) for row in rows), (one, rows[PART]), (other, rows[PART])]
    assert [(project, len(group)) for project, group in parts(owned)] == [(one, PART), (one, 1), (one, 1), (other, 1)]
    assert list(parts([])) == []


@pytest.mark.parametrize("kind", POISON)
def test_a_poison_is_a_dead_letter_wherever_it_stands_and_takes_nobody_with_it(kind: str) -> None:
    wrong, reason = POISON[kind]
    project = str(uuid.UUID(int=1))
    for position in range(3):
        documents = [document(projectId=project, id=str(uuid.uuid4())) for _ in range(3)]
        documents[position] |= wrong
        batch = Batch(by_first_name(documents), {project: ProjectId(uuid.UUID(project))})
        read = {change.key[0] for _, change in batch.read()}
        assert read == {each["id"] for place, each in enumerate(documents) if place != position}
        (letter,) = batch.letters
        assert letter.reason.startswith(reason)
