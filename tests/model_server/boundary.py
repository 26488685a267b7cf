"""A provider whose HTTP ends in this process: what it sends is kept, what it gets is made by a function."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
from openai import AsyncOpenAI

from shared.ai.providers.openai_client import ModelAccess
from shared.ai.providers.openai_responses import OpenAIProvider
from shared.clock import SystemClock
from tests.model_server.answers import embedding

KEY = "the-key-of-the-model"
_URL = "http://model.test/v1"
_DIMENSIONS = 16


class Straight:
    """The SDK's client without its way through HTTP: it leaves bodies as they are, and takes two thirds of the time."""

    def __init__(self, answer: Callable[[], bytes]) -> None:
        self.responses = self.with_raw_response = self
        self._answer = answer

    async def create(self, **_: Any) -> httpx2.Response:
        return httpx2.Response(200, content=self._answer())


class Boundary:
    """`provider` gets what `answer` returns for every question, and embeddings by the offline rules."""

    def __init__(self, answer: Callable[[], bytes], *, straight: bool = False) -> None:
        self.sent: list[bytes] = []
        self.answer = answer
        access = ModelAccess(KEY, _URL, None, None, "reads", "sees", "embeds", _DIMENSIONS, 30)
        self.provider = OpenAIProvider(access, SystemClock())
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(self._handle))
        sdk = AsyncOpenAI(api_key=KEY, base_url=_URL, max_retries=0, http_client=client)
        self.provider.__dict__["_client"] = Straight(answer) if straight else sdk

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request.content)
        if request.url.path.endswith("/embeddings"):
            vector = embedding(json.loads(request.content)["input"], _DIMENSIONS, as_text=True)
            return httpx2.Response(200, json={"model": "embeds", "data": [{"embedding": vector}]})
        return httpx2.Response(200, content=self.answer(), headers={"content-type": "application/json"})


def response(text: str) -> bytes:
    """Return the body of an answer of the Responses API that says `text`."""
    return json.dumps({"output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}]}).encode()


def analysis(**changed: Any) -> bytes:
    """Return an answer that is a whole analysis, with other fields where they are given."""
    plain = {
        "classification": {"intent": "other", "category": "other", "priority": "low", "language": "en"},
        "sentiment": {"label": "neutral", "score": 0},
        "entities": [], "summary": "It says something.", "topics": [], "promises": [], "facts": [], "tags": [],
        "risks": [],
    }  # fmt: skip
    return response(json.dumps(plain | changed))


def fact(said: str, quote: str) -> dict[str, Any]:
    """Return a fact as a model tells it: its offsets are wrong."""
    return {"type": "profile", "fact": said, "quote": quote, "start": 0, "end": 0}
