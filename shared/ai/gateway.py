"""The only way to a model. Every call is a row in the AI-interaction log (seed 004) before it is made."""

import time
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from shared.ai.attempts import Attempt, Opened, Outcome, Subject, attempt_at
from shared.ai.kept import revived, to_keep, to_repair
from shared.ai.log import CallLog
from shared.ai.pauses import Pauses
from shared.ai.provider import Answer, Away, Call, Embedding, Exchange, ModelProvider, NotAsked, Unusable
from shared.ai.spans import span_of
from shared.errors import Permanent
from shared.failpoints import failpoint
from shared.models.ai_interactions import Purpose
from shared.models.analysis import ImageAnalysis, MessageAnalysis

__all__ = ["Gateway", "Subject"]

Result = TypeVar("Result", bound=Answer[Any] | Embedding)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Calls the configured model provider and logs each call.

    What is paid for is asked once: a message that comes again gets the answer that is kept. Raises NotAsked, with how
    long it will take, while the model rests or the project's budget for the day is spent; UnderWay while another
    worker asks the same; Permanent, as `analysis_failed`, when the answer and its repairs do not hold.
    """

    provider: ModelProvider
    log: CallLog
    pauses: Pauses

    @property
    def engine(self) -> str:
        """The name of the engine behind the provider."""
        return self.provider.name

    async def analyze_message(
        self, about: Subject, text: str, *, subject: str, sent_at: datetime
    ) -> Answer[MessageAnalysis]:
        """Analyse one message."""
        question = self.provider.analyze_message(text, subject=subject, sent_at=sent_at)
        return await self._answered(question, about, "message_analysis")

    async def analyze_image(self, about: Subject, raw: bytes, file: dict[str, Any]) -> Answer[ImageAnalysis]:
        """Analyse one image; `file` is its metadata for the log."""
        question = self.provider.analyze_image(raw, filename=str(file.get("filename", "")))
        return await self._answered(question, about, "image_analysis", file)

    async def embed(self, about: Subject, text: str) -> Embedding:
        """Embed a text."""
        return await self._answered(self.provider.embed(text), about, "embedding")

    async def _answered(
        self, question: Awaitable[Result], about: Subject, purpose: Purpose, file: dict[str, Any] | None = None
    ) -> Result:
        """Ask, and ask for the repairs of an answer that does not hold: each is in the log by itself."""
        attempt = attempt_at(question, about, purpose, self.engine, file)
        while True:
            try:
                return await self._asked(question, attempt)
            except Unusable as error:
                if error.repair is None:
                    # Who asks again after that, asks afresh.
                    await self.log.forget(attempt)
                    raise Permanent(f"analysis_failed: {error.reason}") from error
                question, request = error.repair, error.repair.request
                attempt = replace(attempt, request=request, at_most=error.repair.at_most, repair=attempt.repair + 1)

    async def _asked(self, question: Awaitable[Result], attempt: Attempt) -> Result:
        try:
            opened = await self._opened(attempt)
        except BaseException:  # raised again: a question that is not asked must be closed, cancelled or not
            if isinstance(question, Coroutine):
                question.close()
            raise
        if isinstance(opened, Opened):
            return await self._settled(question, opened)
        try:
            found: Result = revived(attempt, question, opened)
        except ValueError:
            # Kept before a release that understands answers otherwise.
            await self.log.forget(attempt)
            return await self._asked(question, attempt)
        return found

    async def _opened(self, attempt: Attempt) -> Opened | dict[str, Any]:
        try:
            if attempt.model:
                self.pauses.check(attempt.model)
        except NotAsked as why:
            await self.log.defer(attempt, why)
            raise
        try:
            opened = await self.log.open(attempt)
        except BaseException as error:  # raised again: the turn to try goes to another, cancelled or not
            self._not_tried(attempt)
            if isinstance(error, NotAsked):
                await self.log.defer(attempt, error)
            raise
        if not isinstance(opened, Opened):
            self._not_tried(attempt)
        failpoint("ai.call_logged")
        return opened

    async def _settled(self, question: Awaitable[Result], opened: Opened) -> Result:
        with span_of(opened) as tell:
            started = time.perf_counter()
            try:
                result = await question
            except Exception as error:  # raised again: whatever it is, the call was made and is in the log
                self._note(opened.attempt, error)
                outcome = _failed(_since(started), question, error)
                tell(outcome)
                await self.log.settle(opened, outcome)
                raise
            except BaseException:  # raised again: cancelled; the sweep finds the row that stays pending
                self._not_tried(opened.attempt)
                raise
            failpoint("ai.call_answered")
            self._note(opened.attempt, None)
            exchange = Exchange(result.model, result.request, result.response, result.usage, result.answered_by)
            outcome = Outcome(_since(started), exchange=exchange, answer=to_keep(result))
            tell(outcome)
            await self.log.settle(opened, outcome)
        return result

    def _note(self, attempt: Attempt, error: Exception | None) -> None:
        if not attempt.model:
            return
        if error is None or isinstance(error, Unusable):
            self.pauses.answered(attempt.model)
        elif isinstance(error, Away):
            self.pauses.failed(attempt.model, error)
        else:
            self.pauses.not_tried(attempt.model)

    def _not_tried(self, attempt: Attempt) -> None:
        if attempt.model:
            self.pauses.not_tried(attempt.model)


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _failed(latency_ms: int, question: Awaitable[Any], error: Exception) -> Outcome:
    if not isinstance(error, Unusable):
        return Outcome(latency_ms, error=error)
    repairable = isinstance(question, Call) and question.again is not None
    return Outcome(latency_ms, exchange=error.sent, error=error, answer=to_repair(error) if repairable else None)
