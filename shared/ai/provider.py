"""What every model provider can do, whichever engine is behind it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from shared.errors import Permanent, Transient
from shared.models.analysis import ImageAnalysis, MessageAnalysis

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the engine counted them; `None` where it counts none.

    `cached_tokens` are part of the input, `reasoning_tokens` part of the output.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


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


class Unusable(Permanent):
    """The engine answered, but not with what was asked for: cut off, refused, not of the schema.

    It was paid for all the same, so what was sent and received is here for the log. `repair`, where there is one, asks
    once more and tells the engine what was wrong.
    """

    def __init__(
        self,
        reason: str,
        *,
        model: str,
        request: dict[str, Any],
        response: dict[str, Any],
        repair: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        super().__init__(reason)
        self.model = model
        self.request = request
        self.response = response
        self.repair = repair


class NotAsked(Transient):
    """The engine was not called, as it asked for a rest: there is nothing to log."""


class ModelProvider(Protocol):
    """One engine. Raises `Permanent` for content it can never analyse and `Transient` when time may cure it.

    An answer that does not hold is raised as `Unusable`; who calls may ask for its repair.
    """

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

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        ...
