"""What every model provider can do, whichever engine is behind it."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from shared.ai.usage import Usage
from shared.errors import Permanent, Transient
from shared.models.analysis import ImageAnalysis, MessageAnalysis

Value = TypeVar("Value")
Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent and received, as JSON-able payloads for the AI-interaction log.

    The payloads hold neither NUL nor lone surrogates, so they fit a JSONB column. `answered_by` is the model in the
    server's words, empty when it does not say.
    """

    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    usage: Usage = field(default_factory=Usage)
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """A parsed answer with its exchange."""

    value: Value
    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    usage: Usage = field(default_factory=Usage)
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector; comparable only with vectors of the same `model`. `response` leaves the vector out."""

    vector: list[float]
    model: str
    request: dict[str, Any]
    response: dict[str, Any]
    usage: Usage = field(default_factory=Usage)
    answered_by: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Call(Generic[Result_co]):
    """A question that is not asked yet: to await it is to ask it, and each time it costs.

    `vendor` is who is paid (`openai`, `azure`, or a server's name), `deployment` the name of the model in Azure.
    `request` is what the log keeps. `at_most` is what the call can take: a token is at least a byte. `again`, where
    there is one, returns the repair of an answer by what was said and what was wrong with it.
    """

    vendor: str
    model: str
    deployment: str | None
    request: dict[str, Any]
    at_most: Usage
    ask: Callable[[], Coroutine[Any, Any, Result_co]]
    again: Callable[[str, str], "Call[Result_co]"] | None = None

    def __await__(self) -> Generator[Any, Any, Result_co]:
        """Ask."""
        return self.ask().__await__()


class Unusable(Permanent):
    """The engine answered, but not with what was asked for: cut off, refused, not of the schema.

    It was paid for all the same, so `sent` is here for the log. `repair`, where there is one, asks once more and tells
    the engine what was wrong with what it `said`. `code` names it for the log.
    """

    def __init__(
        self,
        reason: str,
        *,
        sent: Exchange,
        said: str = "",
        repair: Call[Any] | None = None,
        code: str = "invalid_answer",
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.sent = sent
        self.said = said
        self.repair = repair


class Refused(Permanent):
    """The engine does not take the question, whatever time goes by: nothing was paid. `code` names it for the log."""

    def __init__(self, reason: str, *, code: str) -> None:
        super().__init__(reason)
        self.code = code


class Away(Transient):
    """The engine was asked and gave no answer: it is not there, too busy, or too slow. `code` names it for the log.

    `unheard` is a question that went out and whose answer never came: it may have been paid for.
    """

    def __init__(
        self, detail: str, *, retry_after: timedelta | None = None, code: str = "away", unheard: bool = False
    ) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.code = code
        self.unheard = unheard


class NotAsked(Transient):
    """The engine was not called, and nothing was paid; `code` says why, for the log."""

    code = "model_away"


class ModelProvider(Protocol):
    """One engine. Raises `Permanent` for content it can never analyse and `Transient` when time may cure it.

    What is paid for is returned as a `Call`: it is in the log, and in the budget, before it is asked. An answer that
    does not hold is raised as `Unusable`; who calls may ask for its repair.
    """

    @property
    def name(self) -> str:
        """The engine's name as stored with each analysis."""
        ...

    @property
    def hosted(self) -> bool:
        """Whether what it is given leaves the process: then it is masked before."""
        ...

    def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Awaitable[Answer[MessageAnalysis]]:
        """Analyse one message; entity offsets count code points of `text`."""
        ...

    def analyze_image(self, raw: bytes, *, filename: str) -> Awaitable[Answer[ImageAnalysis]]:
        """Analyse one image file."""
        ...

    def embed(self, text: str) -> Awaitable[Embedding]:
        """Embed a text, also an empty one."""
        ...

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        ...
