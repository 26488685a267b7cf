"""What every model provider can do, whichever engine is behind it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from shared.models.analysis import ImageAnalysis, MessageAnalysis

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the engine counted them; `None` where it counts none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """A parsed answer with what was sent and received, as JSON-able payloads for the AI-interaction log.

    The payloads hold neither NUL nor lone surrogates, so they fit a JSONB column.
    """

    value: Value
    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector; comparable only with vectors of the same `model`. `response` leaves the vector out."""

    vector: list[float]
    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    usage: Usage = field(default_factory=Usage)


class ModelProvider(Protocol):
    """One engine. Raises `Permanent` for content it can never analyse and `Transient` when time may cure it."""

    @property
    def name(self) -> str:
        """The engine's name as stored with each analysis."""
        ...

    async def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Answer[MessageAnalysis]:
        """Analyse one message; entity offsets count code points of `text`."""
        ...

    async def analyze_image(self, raw: bytes, *, filename: str) -> Answer[ImageAnalysis]:
        """Analyse one image file."""
        ...

    async def embed(self, text: str) -> Embedding:
        """Embed a text, also an empty one."""
        ...
