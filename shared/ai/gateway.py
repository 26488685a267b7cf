"""The only way to a model. Every call leaves one row in the AI-interaction log (seed 004), failed ones too."""

import json
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from shared.ai.provider import Answer, Embedding, ModelProvider, NotAsked, Unusable
from shared.clock import Clock
from shared.errors import HubError
from shared.identifiers import InteractionId, MessageId, ProjectId, canonical_json, sha256_hex
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.stores.postgres import Postgres
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("log.sql"))
Purpose = Literal["message_analysis", "image_analysis", "embedding"]
MAX_ERROR_CHARACTERS = 500


class _Logged(Protocol):
    @property
    def request(self) -> dict[str, Any]: ...
    @property
    def response(self) -> dict[str, Any]: ...
    @property
    def model(self) -> str: ...


Result = TypeVar("Result", bound=_Logged)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a call is about: it is logged with these ids."""

    project_id: ProjectId
    interaction_id: InteractionId
    message_id: MessageId


@dataclass(frozen=True, slots=True)
class Gateway:
    """Calls the configured model provider and logs each call."""

    provider: ModelProvider
    postgres: Postgres
    clock: Clock

    @property
    def engine(self) -> str:
        """The name of the engine behind the provider."""
        return self.provider.name

    async def analyze_message(
        self, about: Subject, text: str, *, subject: str, sent_at: datetime
    ) -> Answer[MessageAnalysis]:
        """Analyse one message. Raises what the provider raises, after logging it."""
        call = self.provider.analyze_message(text, subject=subject, sent_at=sent_at)
        return await self._asked(about, "message_analysis", call)

    async def analyze_image(self, about: Subject, raw: bytes, file: dict[str, Any]) -> Answer[ImageAnalysis]:
        """Analyse one image; `file` is its metadata for the log. Raises what the provider raises, after logging it."""
        call = self.provider.analyze_image(raw, filename=str(file.get("filename", "")))
        return await self._asked(about, "image_analysis", call, file)

    async def embed(self, about: Subject, text: str) -> Embedding:
        """Embed a text. Raises what the provider raises, after logging it."""
        return await self._logged(about, "embedding", self.provider.embed(text))

    async def _asked(
        self, about: Subject, purpose: Purpose, call: Awaitable[Result], file: dict[str, Any] | None = None
    ) -> Result:
        """Make a call and, when its answer can't be used, the one that repairs it: each is in the log by itself."""
        try:
            return await self._logged(about, purpose, call, file)
        except Unusable as error:
            if error.repair is None:
                raise
            repaired: Awaitable[Result] = error.repair()
        return await self._logged(about, purpose, repaired, file)

    async def _logged(
        self, about: Subject, purpose: Purpose, call: Awaitable[Result], file: dict[str, Any] | None = None
    ) -> Result:
        at, started = self.clock.now(), time.perf_counter()
        entry: dict[str, Any] = {"timestamp": at, "purpose": purpose, "file_metadata": _json(file)}
        try:
            result = await call
        except NotAsked:
            raise
        except Exception as error:
            # Whatever it is, the call was made. Only our own words are kept: a vendor's may quote the customer.
            said = str(error) if isinstance(error, HubError) else None
            entry |= {"status": "error", "error_code": type(error).__name__, "error_message": said}
            if isinstance(error, Unusable):
                entry |= _exchange(error)
            await self._write(about, entry, started)
            raise
        await self._write(about, entry | {"status": "success"} | _exchange(result), started)
        return result

    async def _write(self, about: Subject, entry: dict[str, Any], started: float) -> None:
        blank: dict[str, Any] = dict.fromkeys(
            ("response", "error_code", "error_message", "model_name", "prompt_hash", "file_metadata")
        )
        row = blank | {"request": "{}"} | entry
        row["error_message"] = row["error_message"] and row["error_message"][:MAX_ERROR_CHARACTERS]
        async with self.postgres.tenant(about.project_id) as transaction:
            await transaction.execute(
                SQL["insert_ai_interaction"],
                project_id=about.project_id,
                interaction_id=about.interaction_id,
                message_id=about.message_id,
                latency_ms=round((time.perf_counter() - started) * 1000),
                **row,
            )


def _exchange(of: _Logged) -> dict[str, Any]:
    return {
        "request": _json(of.request),
        "response": _json(of.response),
        "model_name": of.model,
        "prompt_hash": sha256_hex(canonical_json(of.request)),
    }


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)
