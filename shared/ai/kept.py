"""Answers that were paid for, kept in the log until what was understood is stored where it belongs."""

from typing import Any

from shared.ai.provider import Answer, Embedding
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


def revived(purpose: str, kept: dict[str, Any]) -> Any:  # the result of the purpose
    """Return what `to_keep` made JSON of, without its exchange: that is in the log."""
    if "vector" in kept:
        return Embedding(kept["vector"], kept["model"], {}, {})
    return Answer(_VALUES[purpose].model_validate(kept["value"]), kept["model"], {}, {})
