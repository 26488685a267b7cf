"""OpenAI's Responses and Embeddings APIs, at OpenAI, in Azure or at any server that speaks them."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from shared.ai.answers import ImageReading
from shared.ai.grounding import grounded, visible
from shared.ai.image_reader import ImageReader
from shared.ai.prompts import Prompt, prompt
from shared.ai.provider import Answer, Embedding, Unusable
from shared.ai.providers.openai_answer import read_answer, unusable_because
from shared.ai.providers.openai_client import ModelAccess, open_client
from shared.ai.providers.openai_errors import classified
from shared.ai.providers.openai_schema import text_format
from shared.ai.providers.openai_wire import EmbeddingBody, ResponseBody
from shared.clock import Clock
from shared.errors import Transient
from shared.identifiers import sha256_hex
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.models.text import cut, storable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MAX_TEXT_CHARACTERS = 20_000
MAX_SUBJECT_CHARACTERS = 500
# A token is at least one byte, and embedding models take 8192 tokens.
MAX_EMBEDDED_BYTES = 8_000
# Room for an answer at every limit of its schema, and for what a reasoning model thinks before it.
MAX_OUTPUT_TOKENS = 16_000
# What is sent back of an answer that has to be repaired.
MAX_REPAIRED_CHARACTERS = 20_000

Asked = TypeVar("Asked", bound=BaseModel)
Value = TypeVar("Value")
Turn = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Question(Generic[Asked, Value]):
    """One answer asked for: `logged` is what the log keeps of it, `finish` makes the analysis of what was answered."""

    prompt: Prompt
    model: str
    asked: type[Asked]
    turns: tuple[Turn, ...]
    logged: dict[str, Any]
    finish: Callable[[Asked], Value]
    may_repair: bool = True

    def again(self, said: str, wrong: str) -> "_Question[Asked, Value]":
        """Return the question with what was said to it and what was wrong with that."""
        told = f"This answer can't be used: {wrong}. Give the whole answer again, without the mistake."
        turns: tuple[Turn, ...] = ({"role": "user", "content": told},)
        if said:
            turns = ({"role": "assistant", "content": said[:MAX_REPAIRED_CHARACTERS]}, *turns)
        logged = self.logged | {"repairs": wrong}
        return replace(self, turns=(*self.turns, *turns), logged=logged, may_repair=False)


@dataclass
class OpenAIProvider:
    """Models behind the Responses API, with strict structured output, no tools and nothing stored at the other side.

    Every call ends within the access's `timeout_seconds`; nothing is tried again here but the repair of an answer.
    """

    access: ModelAccess
    clock: Clock
    name: str = field(default="openai", init=False)
    _images: ImageReader = field(default_factory=ImageReader, init=False)

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        return open_client(self.access)

    async def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Answer[MessageAnalysis]:
        """Analyse the first 20 000 characters. Raises Transient, Permanent or, with its repair, Unusable."""
        text = text[:MAX_TEXT_CHARACTERS]
        given = {
            "subject": storable(visible(subject[:MAX_SUBJECT_CHARACTERS])),
            "sent_at": sent_at.isoformat(),
            "text": storable(visible(text)),
        }
        instructions, model = prompt("message_analysis"), self.access.message_model
        question = _Question(
            prompt=instructions,
            model=model,
            asked=MessageAnalysis,
            # As JSON, nothing in the text can end the text.
            turns=({"role": "user", "content": json.dumps(given, ensure_ascii=False)},),
            logged={"task": "analyze_message", "model": model, "prompt_version": instructions.version, **given},
            finish=partial(grounded, text=text),
        )
        return await self._ask(question)

    async def analyze_image(self, raw: bytes, *, filename: str) -> Answer[ImageAnalysis]:
        """Analyse an image by a copy that is nothing but pixels. Raises as `ImageReader` and `analyze_message` do."""
        seen = await self._images.picture(raw)
        name = storable(visible(filename))[:200]
        data = f"data:{seen.media_type};base64,{base64.b64encode(seen.raw).decode('ascii')}"
        content = [
            {"type": "input_text", "text": json.dumps({"filename": name}, ensure_ascii=False)},
            {"type": "input_image", "detail": "auto", "image_url": data},
        ]
        instructions, model = prompt("image_analysis"), self.access.image_model
        sent = {"media_type": seen.media_type, "sent_bytes": len(seen.raw)}
        file = {"filename": name, "bytes": len(raw), "sha256": sha256_hex(raw), **sent}
        question = _Question(
            prompt=instructions,
            model=model,
            asked=ImageReading,
            turns=({"role": "user", "content": content},),
            logged={"task": "analyze_image", "model": model, "prompt_version": instructions.version, **file},
            finish=lambda reading: reading.with_facts(seen.facts),
        )
        return await self._ask(question)

    async def embed(self, text: str) -> Embedding:
        """Embed the first 8 000 bytes. Raises Transient, Permanent or Unusable."""
        # The API refuses an empty text.
        text = cut(storable(text), MAX_EMBEDDED_BYTES) or "-"
        access = self.access
        options: dict[str, Any] = {"dimensions": access.dimensions} if access.dimensions else {}
        async with classified(self.clock), asyncio.timeout(access.timeout_seconds):
            answered = await self._client.embeddings.with_raw_response.create(
                model=access.embedding_model, input=text, encoding_format="base64", **options
            )
        try:
            body = EmbeddingBody.model_validate_json(answered.content)
        except ValidationError:
            raise Transient("what answers is no model") from None
        request = {"task": "embed", "model": access.embedding_model, "text": text, **options}
        return self._embedding(body, request)

    def _embedding(self, body: EmbeddingBody, request: dict[str, Any]) -> Embedding:
        name = self.access.embedding_model
        response: dict[str, Any] = {"model": storable(body.model)[:200], "usage": body.logged_usage}
        try:
            vector = body.vector(self.access.dimensions)
        except ValueError as error:
            raise Unusable(str(error), model=name, request=request, response=response) from None
        # Vectors of another length are another model's.
        model, response = f"{name}-{len(vector)}", response | {"dimensions": len(vector)}
        return Embedding(vector, model, request, response, body.counted)

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        if "_client" in self.__dict__:
            await self._client.close()

    async def _ask(self, question: _Question[Asked, Value]) -> Answer[Value]:
        body = await self._answered(question)
        exchange = partial(Unusable, model=question.model, request=question.logged, response=body.logged())
        refused = unusable_because(body)
        if refused:
            raise exchange(refused)
        try:
            value = read_answer(question.asked, body)
        except ValueError as error:
            wrong = str(error)
            repair = partial(self._ask, question.again(body.text, wrong)) if question.may_repair else None
            raise exchange(wrong, repair=repair) from None
        return Answer(question.finish(value), question.model, question.logged, body.logged(), body.counted)

    async def _answered(self, question: _Question[Asked, Value]) -> ResponseBody:
        parameters: dict[str, Any] = {
            "model": question.model,
            "instructions": question.prompt.text,
            "input": list(question.turns),
            "text": text_format(question.prompt.name, question.asked),
            "max_output_tokens": MAX_OUTPUT_TOKENS,
            "store": False,
        }
        async with classified(self.clock), asyncio.timeout(self.access.timeout_seconds):
            # Read by ourselves: the SDK's own parsing loses the usage of an answer that does not hold.
            answered = await self._client.responses.with_raw_response.create(**parameters)
        try:
            body = ResponseBody.model_validate_json(answered.content)
        except ValidationError:
            raise Transient("what answers is no model") from None
        if body.failed_for_now:
            raise Transient("the model failed")
        return body
