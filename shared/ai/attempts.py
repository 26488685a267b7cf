"""One call to a model as the log knows it, before it is made and after."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.ai.bodies import Keeping
from shared.ai.prices import Sold
from shared.ai.provider import Away, Call, Exchange, Unusable
from shared.ai.usage import Usage
from shared.errors import HubError
from shared.identifiers import InteractionId, MessageId, ProjectId, canonical_json, finding_id, sha256_hex
from shared.models.ai_interactions import Purpose


@dataclass(frozen=True, slots=True)
class Subject:
    """What a call is about, and for whom it is made where that is known: it is logged with these."""

    project_id: ProjectId
    interaction_id: InteractionId
    message_id: MessageId
    user_id: UUID | None = None
    ip_address: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call. `claim` names the question of a paid one, the same for its repairs and for every retry."""

    about: Subject
    purpose: Purpose
    vendor: str
    model: str | None = None
    deployment: str | None = None
    request: dict[str, Any] | None = None
    at_most: Usage | None = None
    file: dict[str, Any] | None = None
    repair: int = 0
    claim: str | None = None

    @property
    def deferred_id(self) -> UUID:
        """The id of the row that tells of this call while it is put off."""
        return finding_id(self.about.message_id, f"{self.purpose}/{self.claim}", "deferred")

    def sold(self, answered_by: str = "") -> Sold:
        """Return whose price holds. A deployment's name says nothing of the model behind it."""
        asked = None if self.deployment else self.model
        return Sold(self.vendor, self.deployment, tuple(name for name in (answered_by, asked) if name))


def attempt_at(
    question: Awaitable[Any],
    about: Subject,
    purpose: Purpose,
    engine: str,
    file: dict[str, Any] | None,
) -> Attempt:
    """Return the first attempt at a question; one that no one is paid for is known when it is answered."""
    if not isinstance(question, Call):
        return Attempt(about, purpose, engine, file=file)
    return Attempt(
        about,
        purpose,
        question.vendor,
        question.model,
        question.deployment,
        question.request,
        question.at_most,
        file,
        claim=prompt_hash(question.request),
    )


def prompt_hash(request: dict[str, Any]) -> str:
    """Return what is the same for the same question."""
    return sha256_hex(canonical_json(request))


@dataclass(frozen=True, slots=True)
class Opened:
    """A call that is in the log and may be made."""

    id: UUID
    attempt: Attempt
    keeping: Keeping
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call; `answer` is what was understood, as JSON."""

    latency_ms: int
    exchange: Exchange | None = None
    error: Exception | None = None
    answer: dict[str, Any] | None = None

    @property
    def error_code(self) -> str | None:
        """What failed, in a word: the code of ours where the error has one, else its class."""
        if self.error is None:
            return None
        code = getattr(self.error, "code", None) if isinstance(self.error, HubError) else None
        return code or type(self.error).__name__

    @property
    def perhaps_paid(self) -> bool:
        """Whether a call that nobody counted may have been paid for: it was answered, or nobody knows that it was not.

        What we did not ask, what could not be reached and what was refused cost nothing.
        """
        if isinstance(self.error, Away):
            return self.error.unheard
        return isinstance(self.error, Unusable) or not isinstance(self.error, HubError)
