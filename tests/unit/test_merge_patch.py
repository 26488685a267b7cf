"""Merge patches and the condition they stand under."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.inbox.etags import IfMatch, etag_of, read_if_match
from shared.models.corrections import Correction, merged

# RFC 7396, appendix A: original, patch, result.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@pytest.mark.parametrize(("original", "patch", "result"), EXAMPLES)
def test_the_examples_of_the_rfc(original: Any, patch: Any, result: Any) -> None:
    assert merged(original, patch) == result


@given(JSON, JSON)
def test_a_patch_done_twice_is_done_and_changes_neither_side(original: Any, patch: Any) -> None:
    before = copy.deepcopy((original, patch))
    once = merged(original, patch)
    assert merged(once, patch) == once
    assert (original, patch) == before


def test_a_correction_holds_what_it_was_given_and_nothing_else() -> None:
    given_null = Correction.model_validate({"agentId": None, "metadata": {"a": None}})
    assert given_null.applied_to({"agentId": "x", "metadata": {"a": 1, "b": 2}}) == {
        "agentId": None,
        "metadata": {"b": 2},
    }
    assert Correction.model_validate({}).applied_to({"metadata": {"a": 1}}) == {}


def test_an_etag_is_strong_quoted_and_of_one_write() -> None:
    etag = etag_of('"0000-1"')
    assert etag
    assert (etag[0], etag[-1], etag[1:-1].isalnum()) == ('"', '"', True)
    assert etag != etag_of('"0000-2"')
    assert etag_of(None) is None


TAGS = st.tuples(
    st.sampled_from(["", "W/"]),
    st.text(st.characters(codec="ascii", exclude_characters='"', categories=["L", "N", "P", "S"])),
)


@given(st.lists(TAGS.map(lambda tag: f'{tag[0]}"{tag[1]}"'), min_size=1), st.sampled_from([",", ", ", " \t,\t"]))
def test_every_list_of_etags_is_read(tags: list[str], comma: str) -> None:
    assert read_if_match(f" {comma.join(tags)} ") == IfMatch(frozenset(tags))


@given(st.text(st.characters(exclude_characters='"*')))
def test_what_is_not_in_quotes_is_no_etag(header: str) -> None:
    with pytest.raises(Rejected) as raised:
        read_if_match(header)
    assert (raised.value.status, raised.value.field) == (400, "If-Match")
