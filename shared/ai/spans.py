"""Model calls as OpenTelemetry spans, where the app has OpenTelemetry: names, ids and counts, never content.

Attribute names are those of the GenAI semantic conventions (open-telemetry/semantic-conventions-genai); what they have
no name for begins with `hub.`. A span has the id of its row in the log.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.ai.attempts import Attempt, Opened, Outcome

_PROVIDERS = {"azure": "azure.ai.openai"}
_OPERATIONS = {"embedding": "embeddings"}

Tell = Callable[[Outcome], None]


@contextmanager
def span_of(opened: Opened) -> Iterator[Tell]:
    """Open the span of a call; what came of it is told before the block ends. Without OpenTelemetry nothing happens."""
    try:
        from opentelemetry import trace
    except ImportError:
        yield lambda _: None
        return
    attempt = opened.attempt
    operation = _OPERATIONS.get(attempt.purpose, "chat")
    with trace.get_tracer("interaction-hub").start_as_current_span(
        f"{operation} {attempt.model or attempt.vendor}",
        kind=trace.SpanKind.CLIENT,
        attributes={"gen_ai.operation.name": operation, **_asked(attempt), "hub.ai_interaction.id": str(opened.id)},
        # An exception's words may be the customer's.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:

        def tell(outcome: Outcome) -> None:
            span.set_attributes(_answered(outcome))
            if outcome.error is not None:
                span.set_status(trace.StatusCode.ERROR)

        yield tell


def _asked(attempt: Attempt) -> dict[str, Any]:
    told = {
        "gen_ai.provider.name": _PROVIDERS.get(attempt.vendor, attempt.vendor),
        "gen_ai.request.model": attempt.model,
        "hub.project.id": str(attempt.about.project_id),
        "hub.message.id": str(attempt.about.message_id),
        "hub.ai_interaction.purpose": attempt.purpose,
        "hub.ai_interaction.repair": attempt.repair,
    }
    return {name: value for name, value in told.items() if value is not None}


def _answered(outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {"error.type": outcome.error_code} if outcome.error else {}
    if outcome.exchange:
        usage = outcome.exchange.usage
        told |= {
            "gen_ai.response.model": outcome.exchange.answered_by or None,
            # Of the conventions' own making: the input includes what is cached, the output what was reasoning.
            "gen_ai.usage.input_tokens": usage.read_tokens,
            "gen_ai.usage.output_tokens": usage.written_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        }
    return {name: value for name, value in told.items() if value is not None}
