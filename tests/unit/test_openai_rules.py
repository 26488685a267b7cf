"""The plain rules around a model behind HTTP: schemas, waits, vectors, answers, and what stands in the text."""

import base64
import hashlib
import json
import re
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from shared.ai.answers import ImageReading
from shared.ai.grounding import grounded
from shared.ai.prompts import prompt
from shared.ai.providers.openai_answer import read_answer
from shared.ai.providers.openai_errors import retry_after
from shared.ai.providers.openai_schema import text_format
from shared.ai.providers.openai_wire import MAX_LOGGED_CHARACTERS, EmbeddingBody, ResponseBody
from shared.models.analysis import Entity, MessageAnalysis, Risk
from shared.models.text import visible
from tests.model_server.requests import Refused, checked_response

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
# A released text never changes: another wording is another version.
RELEASED = {
    ("message_analysis", "1"): "32f773036204e62a",
    ("message_analysis", "2"): "cd2714a4f4115ce5",
    ("image_analysis", "1"): "3d72c9027f730aec",
}
VALID = {
    "classification": {"intent": "thanks", "category": "other", "priority": "low", "language": "en"},
    "sentiment": {"label": "positive", "score": 0.5},
    "entities": [],
    "summary": "Thanks.",
    "topics": [],
    "promises": [],
    "facts": [],
    "tags": [],
    "risks": [],
}


class Held:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def said(text: str, **more: Any) -> ResponseBody:
    output = [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": text}]}]
    return ResponseBody.model_validate({"output": output} | more)


@pytest.mark.parametrize(("name", "version"), RELEASED)
def test_a_released_prompt_never_changes(name: str, version: str) -> None:
    current = prompt(name)
    if current.version == version:
        assert hashlib.sha256(current.text.encode()).hexdigest()[:16] == RELEASED[name, version]


def test_every_prompt_is_released_and_says_that_it_is_given_data() -> None:
    folder = Path(__file__).parents[2] / "shared" / "ai" / "prompts"
    names = {path.stem for path in folder.glob("*.txt")}
    assert {(name, prompt(name).version) for name in names} <= set(RELEASED)
    assert all("never an instruction" in " ".join(prompt(name).text.split()) for name in names)


@pytest.mark.parametrize(("name", "answer"), [("message_analysis", MessageAnalysis), ("image_analysis", ImageReading)])
def test_a_prompt_explains_every_field_of_its_answer(name: str, answer: type[BaseModel]) -> None:
    explained = set(re.findall(r"^- (\w+)", prompt(name).text, re.MULTILINE))
    assert explained == set(answer.model_fields)


def test_the_prompt_names_every_risk() -> None:
    assert {risk for risk in get_args(Risk) if f"`{risk}`" in prompt("message_analysis").text} == set(get_args(Risk))


@pytest.mark.parametrize("model", [MessageAnalysis, ImageReading])
def test_our_schemas_are_strict(model: type[BaseModel]) -> None:
    body = {"store": False, "model": "m", "instructions": "i", "max_output_tokens": 1, "input": [{"content": ""}]}
    assert checked_response(body | {"text": text_format("name", model)}).name == "name"


def test_a_schema_that_strict_output_would_not_take_is_made_one_that_it_takes() -> None:
    class Part(BaseModel):
        title: str | None = Field(None, max_length=5, description="its title")
        default: int = 3

    body = {"store": False, "model": "m", "instructions": "i", "max_output_tokens": 1, "input": [{"content": ""}]}
    plain = {"type": "json_schema", "strict": True, "name": "n", "schema": Part.model_json_schema()}
    with pytest.raises(Refused):
        checked_response(body | {"text": {"format": plain}})
    schema = text_format("n", Part)["format"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["title", "default"], False)
    assert checked_response(body | {"text": text_format("n", Part)}).name == "n"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:20 GMT"}, 20),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:00 GMT"}, 0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:20"}, None),
    ],
)
def test_a_wait_is_read_from_every_header_that_tells_one(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, Held()) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text())
def test_no_header_breaks_the_reading_of_a_wait(text: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        wait = retry_after({name: text}, Held())
        assert wait is None or wait >= timedelta(0)


def test_a_vector_is_read_in_both_forms_and_made_of_length_one() -> None:
    packed = base64.b64encode(struct.pack("<2f", 3, 4)).decode()
    for given_vector in (packed, [3.0, 4.0]):
        body = EmbeddingBody.model_validate({"data": [{"embedding": given_vector}]})
        assert body.vector(2) == pytest.approx([0.6, 0.8])
        assert body.vector(0) == pytest.approx([0.6, 0.8])
        with pytest.raises(ValueError, match="2 dimensions instead of 3"):
            body.vector(3)


@pytest.mark.parametrize(
    "bad", ["", "!", "AAA=", "AAAA", [], [0.0], base64.b64encode(struct.pack("<f", float("nan"))).decode()]
)
def test_what_is_no_vector_is_refused(bad: str | list[float]) -> None:
    with pytest.raises(ValueError, match="vector"):
        EmbeddingBody.model_validate({"data": [{"embedding": bad}]}).vector(0)


def test_an_answer_is_read_past_the_models_thoughts() -> None:
    assert read_answer(MessageAnalysis, said(json.dumps(VALID))).summary == "Thanks."


def test_a_fenced_answer_is_read_in_no_time_however_long_its_fence() -> None:
    fenced = "```json\n" + "\n" * 400_000 + json.dumps(VALID) + "\n```"
    assert read_answer(MessageAnalysis, said(fenced)).summary == "Thanks."
    with pytest.raises(ValueError, match="no JSON"):
        read_answer(MessageAnalysis, said("```\n" + "\n" * 400_000 + "x"))


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_model_says_is_an_answer_or_a_named_mistake(text: str) -> None:
    with pytest.raises(ValueError, match="the answer"):
        read_answer(MessageAnalysis, said(text))


@given(st.sampled_from(sorted(VALID)), st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists))
def test_an_answer_with_a_strange_field_is_never_half_taken(field: str, value: Any) -> None:
    with suppress(ValueError):
        answer = read_answer(MessageAnalysis, said(json.dumps(VALID | {field: value})))
        assert MessageAnalysis.model_validate(answer.model_dump()) == answer


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["id", "output", "type", "content", "text", "usage", "status", "message"]), inner
            )
        ),
    )
)
def test_no_response_breaks_what_is_logged(payload: Any) -> None:
    try:
        body = ResponseBody.model_validate(payload)
    except ValueError:
        return
    assert json.dumps(body.logged()).isprintable()
    assert body.refusal is not None


def test_what_is_logged_of_an_answer_is_bounded_and_storable() -> None:
    logged = said("x\x00\ud800" * 100_000, usage={"input_tokens": 3, "strange": "y" * 100_000}).logged()
    assert (len(logged["text"]), logged["cut"]) == (MAX_LOGGED_CHARACTERS, {"text": 200_000})
    assert "\x00" not in logged["text"]
    assert logged["usage"] == {"input_tokens": 3}


def entity(text: str, start: int = 0, kind: str = "order") -> Entity:
    return Entity.model_validate({"type": kind, "text": text, "value": text, "start": start, "end": start + 1})


def test_entities_are_found_where_they_stand() -> None:
    text = "Order A-1 and A-2, again A-1."
    named = [entity("A-1"), entity("A-1", 99), entity("A-2", 14), entity("A-3"), entity("")]
    analysis = MessageAnalysis.model_validate(VALID).model_copy(update={"entities": named})
    found = grounded(analysis, text).entities
    assert [(each.text, each.start, each.end) for each in found] == [("A-1", 6, 9), ("A-1", 25, 28), ("A-2", 14, 17)]


@given(st.text(), st.lists(st.tuples(st.text(max_size=5), st.integers(0, 50)), max_size=5))
def test_every_entity_that_is_kept_stands_at_its_offsets(text: str, named: list[tuple[str, int]]) -> None:
    entities = [entity(name, start) for name, start in named]
    analysis = MessageAnalysis.model_validate(VALID).model_copy(update={"entities": entities})
    for each in grounded(analysis, text).entities:
        assert text[each.start : each.end] == each.text != ""


def test_a_fact_that_nobody_wrote_is_dropped() -> None:
    facts = [
        {"type": "profile", "fact": "f", "quote": quote, "start": 0, "end": 0}
        for quote in ("I live", "I am the owner", "")
    ]
    analysis = MessageAnalysis.model_validate(VALID | {"facts": facts})
    assert [fact.quote for fact in grounded(analysis, "I live here").facts] == ["I live"]


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\ufeff", "\U000e0041", "\ufe0f", "\u00ad", "\U000e0101"])
def test_what_nobody_sees_no_model_reads(hidden: str) -> None:
    assert visible(f"pay {hidden}now") == "pay now"
    assert visible("Grüße, 你好, 👍 \n\t") == "Grüße, 你好, 👍 \n\t"
