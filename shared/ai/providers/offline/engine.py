"""The provider that answers when no model is configured."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache, partial
from typing import TypeVar

from shared.ai import image_text
from shared.ai.image_reader import ImageReader
from shared.ai.provider import Answer, Embedding
from shared.ai.providers.offline import embedding, message
from shared.errors import Permanent
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.telemetry import warning

MODEL = "offline-rules-2"

Result = TypeVar("Result")


@cache
def _worker() -> ThreadPoolExecutor:
    """One thread for all rules.

    The interpreter lets only one compute at a time, and dateparser's lazily filled tables are not made for several.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="offline-rules")


async def _compute(call: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_worker(), call)


def _storable(text: str) -> str:
    """Without what JSONB refuses: NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


class OfflineProvider:
    """Rules and lexicons behind the interface of a model; counts no tokens."""

    name = "offline"
    hosted = False

    def __init__(self) -> None:
        self._images = ImageReader()

    async def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Answer[MessageAnalysis]:
        """Analyse the first 20 000 characters; relative dates count from `sent_at`. Never refuses a text."""
        value = await _compute(partial(message.analyse, text, subject=subject, sent_at=sent_at))
        request = {
            "task": "analyze_message",
            "subject": _storable(subject),
            "text": _storable(text),
            "sent_at": sent_at.isoformat(),
        }
        return Answer(value, MODEL, request, value.model_dump(mode="json"))

    async def analyze_image(self, raw: bytes, *, filename: str) -> Answer[ImageAnalysis]:
        """Measure an image and guess its kind; its text is read where `image_text.installed`.

        Fails as `ImageReader.facts` does.
        """
        facts = await self._images.facts(raw)
        value = ImageAnalysis(
            format=facts.format,
            width=facts.width,
            height=facts.height,
            kind=facts.kind,
            description=facts.description,
            text=await self._text(raw),
            objects=[],
            colors=list(facts.colors),
        )
        request = {
            "task": "analyze_image",
            "filename": _storable(filename),
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
            "reads_text": image_text.installed(),
        }
        return Answer(value, MODEL, request, value.model_dump(mode="json"))

    async def _text(self, raw: bytes) -> str:
        if not image_text.installed():
            return ""
        try:
            return await self._images.text(raw)
        except Permanent as error:
            # What was measured holds all the same.
            warning("image_text.unread", why=error.reason)
            return ""

    async def embed(self, text: str) -> Embedding:
        """A vector that is near for texts with the same words or parts of words."""
        vector = await _compute(partial(embedding.embed, text))
        request = {"task": "embed", "text": _storable(text)}
        return Embedding(vector, embedding.MODEL, request, {"dimensions": len(vector)})

    async def close(self) -> None:
        """Nothing to close: it never leaves the process."""
