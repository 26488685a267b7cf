"""OpenAI's Responses and Embeddings APIs, at OpenAI, in Azure or at any server that speaks them."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.ai.image_reader import ImageReader
from shared.ai.pauses import Pauses
from shared.ai.provider import Answer, Embedding, Unusable
from shared.ai.providers.openai_answer import read_answer, unusable_because
from shared.ai.providers.openai_client import ModelAccess, open_client
from shared.ai.providers.openai_errors import classified
from shared.ai.providers.openai_question import Question, about_image, about_message
from shared.ai.providers.openai_wire import EmbeddingBody, ResponseBody
from shared.clock import Clock
from shared.errors import Transient
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.models.text import cut, storable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# A token is at least one byte, and embedding models take 8192 tokens.
MAX_EMBEDDED_BYTES = 8_000

Asked = TypeVar("Asked", bound=BaseModel)
Value = TypeVar("Value")
Body = TypeVar("Body", EmbeddingBody, ResponseBody)


@dataclass
class OpenAIProvider:
    """Models behind the Responses API, with strict structured output.

    Every call ends within the access's `timeout_seconds` and is tried once; an answer that does not hold is raised as
    Unusable, with its one repair. While a model rests, as its server asked, it is not called: NotAsked.
    """

    access: ModelAccess
    clock: Clock
    name: str = field(default="openai", init=False)
    _images: ImageReader = field(default_factory=ImageReader, init=False)

    @cached_property
    def _pauses(self) -> Pauses:
        return Pauses(self.clock)

    @cached_property
    def _client(self) -> "AsyncOpenAI":
        return open_client(self.access)

    async def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Answer[MessageAnalysis]:
        """Analyse the first 20 000 characters. Raises Transient, Permanent or Unusable."""
        return await self._ask(about_message(self.access.message_model, text, subject=subject, sent_at=sent_at))

    async def analyze_image(self, raw: bytes, *, filename: str) -> Answer[ImageAnalysis]:
        """Analyse an image by a copy that is nothing but pixels. Raises as `ImageReader` and `analyze_message` do."""
        model = self.access.image_model
        self._pauses.check(model)
        seen = await self._images.picture(raw)
        return await self._ask(about_image(model, seen, raw, filename=filename))

    async def embed(self, text: str) -> Embedding:
        """Embed the first 8 000 bytes. Raises Transient, Permanent or Unusable."""
        # The API refuses an empty text.
        text = cut(storable(text), MAX_EMBEDDED_BYTES) or "-"
        model, dimensions = self.access.embedding_model, self.access.dimensions
        options: dict[str, Any] = {"dimensions": dimensions} if dimensions else {}
        parameters = {"model": model, "input": text, "encoding_format": "base64", **options}
        body = await self._call(EmbeddingBody, "embeddings", parameters)
        request = {"task": "embed", "model": model, "text": text, **options}
        response: dict[str, Any] = {"model": storable(body.model)[:200], "usage": body.logged_usage}
        try:
            vector = body.vector(dimensions)
        except ValueError as error:
            raise Unusable(str(error), model=model, request=request, response=response) from None
        # Vectors of another length are another model's.
        named, response = f"{model}-{len(vector)}", response | {"dimensions": len(vector)}
        return Embedding(vector, named, request, response, body.counted)

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        if "_client" in self.__dict__:
            await self._client.close()

    async def _ask(self, question: Question[Asked, Value]) -> Answer[Value]:
        body = await self._call(ResponseBody, "responses", question.parameters())
        if body.failed_for_now:
            raise Transient("the model failed")
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

    async def _call(self, body: type[Body], api: str, parameters: dict[str, Any]) -> Body:
        model = parameters["model"]
        self._pauses.check(model)
        try:
            async with classified(self.clock), asyncio.timeout(self.access.timeout_seconds):
                # Read by ourselves: the SDK's own parsing loses the usage of an answer that does not hold.
                answered = await getattr(self._client, api).with_raw_response.create(**parameters)
        except Transient as error:
            self._pauses.note(model, error)
            raise
        try:
            return body.model_validate_json(answered.content)
        except ValidationError:
            raise Transient("what answers is no model") from None
