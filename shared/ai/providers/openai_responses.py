"""OpenAI's Responses and Embeddings APIs, at OpenAI, in Azure or at any server that speaks them."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.ai.image_reader import ImageReader
from shared.ai.provider import Answer, Away, Call, Embedding, Exchange, Unusable
from shared.ai.providers.openai_answer import read_answer, unusable_because
from shared.ai.providers.openai_client import ModelAccess, open_client
from shared.ai.providers.openai_errors import classified
from shared.ai.providers.openai_question import (
    MAX_REPAIRED_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Question,
    about_image,
    about_message,
    image_request,
    most,
)
from shared.ai.providers.openai_wire import EmbeddingBody, ResponseBody
from shared.ai.usage import Usage
from shared.clock import Clock
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.models.text import cut, storable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# A token is at least one byte, and embedding models take 8192 tokens.
MAX_EMBEDDED_BYTES = 8_000

Asked = TypeVar("Asked", bound=BaseModel)
Value = TypeVar("Value")
Result = TypeVar("Result")
Body = TypeVar("Body", EmbeddingBody, ResponseBody)


@dataclass
class OpenAIProvider:
    """Models behind the Responses API, with strict structured output.

    Every call ends within the access's `timeout_seconds` and is tried once; an answer that does not hold is raised as
    Unusable, with its repair: at most two of them one after the other.
    """

    access: ModelAccess
    clock: Clock
    name: str = field(default="openai", init=False)
    hosted: bool = field(default=True, init=False)
    _images: ImageReader = field(default_factory=ImageReader, init=False)

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        return open_client(self.access)

    def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Call[Answer[MessageAnalysis]]:
        """Analyse the first 20 000 characters. Asking raises Away, Permanent or Unusable."""
        return self._call(about_message(self.access.message_model, text, subject=subject, sent_at=sent_at))

    def analyze_image(self, raw: bytes, *, filename: str) -> Call[Answer[ImageAnalysis]]:
        """Analyse an image by a copy that is nothing but pixels. Asking raises what `ImageReader` does, too."""
        model = self.access.image_model
        request = image_request(model, raw, filename=filename)
        at_most = most(MAX_TEXT_CHARACTERS, images=1)
        return self._priced(model, request, at_most, partial(self._look, request, raw))

    def embed(self, text: str) -> Call[Embedding]:
        """Embed the first 8 000 bytes. Asking raises Away, Permanent or Unusable."""
        # The API refuses an empty text.
        text = cut(storable(text), MAX_EMBEDDED_BYTES) or "-"
        model, dimensions = self.access.embedding_model, self.access.dimensions
        options: dict[str, Any] = {"dimensions": dimensions} if dimensions else {}
        request = {"task": "embed", "model": model, "text": text, **options}
        at_most = most(len(text.encode()), written=0)
        return self._priced(model, request, at_most, partial(self._embed, request, options))

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        if "_client" in self.__dict__:
            await self._client.close()

    def _call(self, question: Question[Asked, Value]) -> Call[Answer[Value]]:
        call = self._priced(question.model, question.logged, question.at_most, partial(self._ask, question))
        return replace(call, again=partial(self._again, question)) if question.repairs_left else call

    def _again(self, question: Question[Asked, Value], said: str, wrong: str) -> Call[Answer[Value]]:
        return self._call(question.again(said, wrong))

    def _priced(
        self, model: str, request: dict[str, Any], at_most: Usage, ask: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Call[Result]:
        deployment = model if self.access.azure_endpoint else None
        return Call(self.access.vendor, model, deployment, request, at_most, ask)

    async def _look(self, request: dict[str, Any], raw: bytes) -> Answer[ImageAnalysis]:
        seen = await self._images.picture(raw)
        return await self._ask(about_image(self.access.image_model, seen, request))

    async def _embed(self, request: dict[str, Any], options: dict[str, Any]) -> Embedding:
        model, dimensions = request["model"], self.access.dimensions
        parameters = {"model": model, "input": request["text"], "encoding_format": "base64", **options}
        body = await self._post(EmbeddingBody, "embeddings", parameters)
        response: dict[str, Any] = {"model": body.answered_by, "usage": body.logged_usage}
        try:
            vector = body.vector(dimensions)
        except ValueError as error:
            raise Unusable(
                str(error), sent=Exchange(model, request, response, body.counted, body.answered_by)
            ) from None
        # Vectors of another length are another model's.
        named, response = f"{model}-{len(vector)}", response | {"dimensions": len(vector)}
        return Embedding(vector, named, request, response, body.counted, body.answered_by)

    async def _ask(self, question: Question[Asked, Value]) -> Answer[Value]:
        body = await self._post(ResponseBody, "responses", question.parameters())
        if body.failed_for_now:
            raise Away("the model failed", code="model_failed")
        sent = Exchange(question.model, question.logged, body.logged(), body.counted, body.answered_by)
        refused = unusable_because(body)
        if refused:
            raise Unusable(refused, sent=sent, code="refused")
        try:
            value = read_answer(question.asked, body)
        except ValueError as error:
            wrong, said = str(error), storable(body.text[:MAX_REPAIRED_CHARACTERS])
            repair = self._again(question, said, wrong) if question.repairs_left else None
            raise Unusable(wrong, sent=sent, said=said, repair=repair) from None
        return Answer(question.finish(value), sent.model, sent.request, sent.response, sent.usage, sent.answered_by)

    async def _post(self, body: type[Body], api: str, parameters: dict[str, Any]) -> Body:
        async with classified(self.clock), asyncio.timeout(self.access.timeout_seconds):
            # Read by ourselves: the SDK's own parsing loses the usage of an answer that does not hold.
            answered = await getattr(self._client, api).with_raw_response.create(**parameters)
        try:
            return body.model_validate_json(answered.content)
        except ValidationError:
            raise Away("what answers is no model", code="no_model") from None
