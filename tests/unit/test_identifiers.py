"""Derived ids: the same for the same thing, different for any other."""

import json
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import (
    MessageId,
    ProjectId,
    SourceId,
    attachment_id,
    canonical_json,
    conversation_id,
    delivery_id,
    finding_id,
    interaction_id,
    message_id,
    sha256_hex,
)

PROJECT = ProjectId(UUID("a0000000-0000-4000-8000-000000000001"))
SOURCE = SourceId(UUID("a0000000-0000-4000-8000-000000000002"))
OTHER = UUID("a0000000-0000-4000-8000-000000000003")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_ids_do_not_change_from_release_to_release() -> None:
    """A changed derivation would store every redelivered mail a second time."""
    assert str(delivery_id(PROJECT, SOURCE, "key")) == "118b41f0-c743-5e2a-a08a-e5156f72c25f"
    assert str(interaction_id(PROJECT, SOURCE, "key")) == "31118834-6c71-5672-854b-9a615513ae50"
    assert str(conversation_id(PROJECT, SOURCE, "key")) == "fec2e50c-e324-5c02-a1b0-d5c0018d6775"


@given(st.text())
def test_the_same_thing_has_the_same_id(key: str) -> None:
    assert interaction_id(PROJECT, SOURCE, key) == interaction_id(PROJECT, SOURCE, key)


@given(st.lists(st.text(), unique=True, min_size=2, max_size=2))
def test_another_key_is_another_id(keys: list[str]) -> None:
    assert interaction_id(PROJECT, SOURCE, keys[0]) != interaction_id(PROJECT, SOURCE, keys[1])


def test_another_project_source_or_kind_is_another_id() -> None:
    made = {
        interaction_id(PROJECT, SOURCE, "k"),
        interaction_id(ProjectId(OTHER), SOURCE, "k"),
        interaction_id(PROJECT, SourceId(OTHER), "k"),
        delivery_id(PROJECT, SOURCE, "k"),
        conversation_id(PROJECT, SOURCE, "k"),
        message_id(PROJECT, interaction_id(PROJECT, SOURCE, "k")),
    }
    assert len(made) == 6
    assert all(each.version == 5 for each in made)


def test_parts_that_run_together_are_kept_apart() -> None:
    message = MessageId(OTHER)
    assert finding_id(message, "1", "23") != finding_id(message, "12", "3")
    assert attachment_id(message, 1) != attachment_id(message, 11)


def test_a_lone_surrogate_in_a_key_is_no_obstacle() -> None:
    assert delivery_id(PROJECT, SOURCE, "\ud800") != delivery_id(PROJECT, SOURCE, "\ud801")


@given(st.dictionaries(st.text(), JSON))
def test_canonical_json_is_one_for_equal_values(value: dict[str, object]) -> None:
    shuffled = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(shuffled)
    assert json.loads(canonical_json(value)) == value


def test_a_hash_is_lower_case_hex() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
