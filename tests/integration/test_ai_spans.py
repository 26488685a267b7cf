"""Spans of model calls: the log's ids, the conventions' names, and no content."""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from shared.ai.provider import Away
from shared.errors import Permanent
from tests.integration.model_calls import TEXT, ModelCalls
from tests.model_server.script import Mode

pytest_plugins = ["tests.integration.model_calls_fixtures"]

NAMES = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What an app with OpenTelemetry would send."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_call_is_a_span_with_the_id_of_its_row(calls: ModelCalls, spans: InMemorySpanExporter) -> None:
    about = calls.about()
    await calls.ask(about)
    await calls.gateway.embed(about, TEXT)
    first, second = spans.get_finished_spans()
    asked, embedded = calls.log()
    assert (first.name, second.name) == ("chat gpt-5.4-mini", "embeddings text-embedding-3-small")
    for span, row in ((first, asked), (second, embedded)):
        said = told(span)
        assert said["hub.ai_interaction.id"] == str(row["id"])
        assert said["hub.message.id"] == str(about.message_id)
        assert said["gen_ai.usage.input_tokens"] + said["gen_ai.usage.output_tokens"] == row["total_tokens"]
        assert said["gen_ai.response.model"] == row["answered_model"]
        assert {name for name in said if name.startswith("gen_ai.")} <= NAMES
        assert all(name.startswith(("gen_ai.", "hub.")) for name in said)


async def test_a_call_that_fails_is_a_span_that_says_so(calls: ModelCalls, spans: InMemorySpanExporter) -> None:
    calls.server.next(Mode.BROKEN)
    with pytest.raises(Away):
        await calls.ask()
    (span,) = spans.get_finished_spans()
    assert (told(span)["error.type"], span.status.status_code) == ("http_500", trace.StatusCode.ERROR)
    assert span.status.description is None


@pytest.mark.parametrize("mode", [Mode.OK, Mode.WRONG_ENUM, Mode.CONTENT_FILTER])
async def test_no_span_has_a_word_of_what_was_sent_or_received(
    calls: ModelCalls, spans: InMemorySpanExporter, mode: Mode
) -> None:
    calls.server.next(mode)
    with suppress(Permanent):
        await calls.ask()
    sent = json.dumps([json.loads(span.to_json()) for span in spans.get_finished_spans()])
    assert spans.get_finished_spans()
    for word in ("A-10293", "order", "7946"):
        assert word not in sent
    assert all(not span.events for span in spans.get_finished_spans())


async def test_without_opentelemetry_calls_are_made_all_the_same(
    calls: ModelCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    await calls.ask()
    assert [row["status"] for row in calls.log()] == ["success"]
