"""Tokens by class: whatever a server calls them, the classes sum up to its total."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.providers.openai_usage import TokenCounts
from shared.ai.providers.openai_wire import ResponseBody
from shared.ai.usage import Usage

SHAPES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "token_counts.json").read_text(encoding="utf-8")
)
FIELDS = ("input", "cached", "cache_write", "image", "output", "reasoning")


def usage_of(said: dict[str, Any]) -> Usage:
    return TokenCounts.model_validate(said).classes()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_is_read_as_classes_that_sum_up_to_its_total(shape: dict[str, Any]) -> None:
    usage = usage_of(shape["said"])
    assert dict(zip(FIELDS, usage.classes(), strict=True)) == shape["classes"]
    assert usage.total_tokens == sum(shape["classes"].values()) == shape["total"]
    assert (usage.read_tokens or 0) + (usage.written_tokens or 0) == usage.total_tokens


def test_what_was_not_counted_is_unknown_and_not_nothing() -> None:
    for said in ({}, {"total_tokens": 7}, {"input_tokens": None}, {"input_tokens": "many"}):
        assert usage_of(said) == Usage()
    assert (Usage().total_tokens, Usage().read_tokens, Usage().written_tokens) == (None, None, None)


counts = st.none() | st.integers(-10, 10**12) | st.floats() | st.text(max_size=5) | st.booleans()
details = st.none() | st.dictionaries(
    st.sampled_from(["cached_tokens", "cache_write_tokens", "image_tokens", "reasoning_tokens"]), counts
)


@given(
    st.fixed_dictionaries(
        {},
        optional={name: counts for name in TokenCounts.model_fields if name.endswith("_tokens")}
        | {name: details | counts for name in TokenCounts.model_fields if name.endswith("_details")},
    )
)
def test_whatever_a_server_says_no_class_is_negative_and_they_sum_up(said: dict[str, Any]) -> None:
    usage = usage_of(said)
    known = [count for count in usage.classes() if count is not None]
    assert len(known) in (0, 6)
    assert all(count >= 0 for count in known)
    assert usage.total_tokens == (sum(known) if known else None)


@given(st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_an_answer_is_read_whatever_stands_in_place_of_its_usage(usage: Any) -> None:
    body = ResponseBody.model_validate({"usage": usage})
    assert (body.counted, body.logged_usage) == (Usage(), {})
