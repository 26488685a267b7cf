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


@given(st.text() | st.sampled_from(['"a"', 'W/"a"', '"a", "b"', "*", '"a",', ',"a"', '"a" "b"', "**"]))
def test_an_if_match_is_read_or_refused(header: str) -> None:
    try:
        read = read_if_match(header)
    except Rejected as error:
        assert (error.status, error.field) == (400, "If-Match")
    else:
        assert read == IfMatch(None) or all(tag.endswith('"') for tag in read.tags or ())
