"""Answers that were paid for, kept in the log until what was understood is stored where it belongs."""

from collections.abc import Awaitable
from typing import Any

from shared.ai.attempts import Attempt
from shared.ai.provider import Answer, Call, Embedding, Exchange, Unusable
from shared.models.analysis import ImageAnalysis, MessageAnalysis

_VALUES: dict[str, type[MessageAnalysis | ImageAnalysis]] = {
    "message_analysis": MessageAnalysis,
    "image_analysis": ImageAnalysis,
}


def to_keep(result: Answer[Any] | Embedding) -> dict[str, Any]:
    """Return a result as JSON."""
    if isinstance(result, Embedding):
        return {"model": result.model, "vector": result.vector}
    return {"model": result.model, "value": result.value.model_dump(mode="json")}


def to_repair(error: Unusable) -> dict[str, Any]:
    """Return an answer that did not hold as JSON: a run that comes after a crash or an outage repairs it."""
    return {"said": error.said, "wrong": error.reason}


def is_of(kept: dict[str, Any], at: int, repair: int) -> bool:
    """Whether what was kept `at` a repair serves another one: an answer any, what did not hold only the same."""
    return "wrong" not in kept or at == repair


def revived(attempt: Attempt, question: Awaitable[Any], kept: dict[str, Any]) -> Any:  # the result of the purpose
    """Return what was kept, without its exchange: that is in the log. What did not hold is raised as it was then.

    Raises ValueError for what this release does not understand.
    """
    if "wrong" in kept:
        again = question.again if isinstance(question, Call) else None
        if again is None:
            raise ValueError("there is no such repair")
        sent = Exchange(attempt.model or "", attempt.request or {}, {})
        said, wrong = str(kept.get("said", "")), str(kept["wrong"])
        raise Unusable(wrong, sent=sent, said=said, repair=again(said, wrong))
    if "vector" in kept:
        return Embedding(kept["vector"], kept["model"], {}, {})
    if "value" not in kept:
        raise ValueError("there is no value")
    return Answer(_VALUES[attempt.purpose].model_validate(kept["value"]), kept["model"], {}, {})
