"""A model behind HTTP that answers as it is told: the Responses and Embeddings APIs, with every way they fail.

Told nothing, it answers by the offline rules. It refuses what the real API would refuse: no key, a schema that strict
output does not take, tools, storing.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.model_server.answers import embedding, image_reading, message_analysis
from tests.model_server.requests import Refused, checked_embedding, checked_response
from tests.model_server.script import Mode, billed, spoil

Json = dict[str, Any]
_KEY = "scripted-key"
MAX_REQUEST_BYTES = 16 * 1024 * 1024


@dataclass
class ModelServer:
    """The next request is answered in the next of `script`'s modes, one without a mode as `otherwise` says.

    A `HELD` one is answered when `released` is set. `requests` are the bodies received so far, with their `path`.
    `billed_tokens` is what it worked for, heard or not. `base_url` exists while it runs.
    """

    key: str = _KEY
    script: deque[Mode] = field(default_factory=deque)
    otherwise: Mode = Mode.OK
    requests: list[Json] = field(default_factory=list)
    billed_tokens: int = 0
    base_url: str = ""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Serve on 127.0.0.1, at `base_url`."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_post("/v1/responses", self._route(self._respond))
        app.router.add_post("/v1/embeddings", self._route(self._embed))
        app.router.add_post("/script", self._tell)
        # What stalls is cut off at the end, not waited for.
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{bound}/v1"

    async def stop(self) -> None:
        """Close every connection."""
        if self._runner:
            await self._runner.cleanup()

    def next(self, *modes: Mode) -> None:
        """Answer the next requests in these modes."""
        self.script.extend(modes)

    async def _tell(self, request: web.Request) -> web.Response:
        self.next(*(Mode(name) for name in await request.json()))
        return web.json_response({"waiting": len(self.script)})

    def _route(self, answer: Callable[[Json], Coroutine[Any, Any, Json]]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("authorization") != f"Bearer {self.key}":
                return _error(401, "invalid_api_key")
            body = await request.json()
            self.requests.append({"path": request.path, **body})
            mode = self.script.popleft() if self.script else self.otherwise
            try:
                said = await answer(body)
            except Refused as refused:
                return _error(400, "invalid_request", str(refused))
            if billed(mode):
                self.billed_tokens += said["usage"]["total_tokens"]
            if mode is Mode.HELD:
                await self.released.wait()
            return await spoil(mode, said, request)

        return handle

    async def _respond(self, body: Json) -> Json:
        given = checked_response(body)
        read = message_analysis if given.name == "message_analysis" else image_reading
        text = json.dumps(await read(given.content), ensure_ascii=False)
        counted = {"input_tokens": len(json.dumps(body)) // 4, "output_tokens": len(text) // 4}
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        return {
            "id": f"resp_{len(self.requests)}",
            "object": "response",
            "model": body["model"],
            "status": "completed",
            "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}],
            "usage": {**counted, **details, "total_tokens": sum(counted.values())},
        }

    async def _embed(self, body: Json) -> Json:
        text, dimensions = checked_embedding(body)
        vector = await asyncio.to_thread(embedding, text, dimensions, as_text=body.get("encoding_format") == "base64")
        tokens = len(text) // 4 + 1
        return {
            "object": "list",
            "model": body["model"],
            "data": [{"object": "embedding", "index": 0, "embedding": vector}],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }


def _error(status: int, code: str, message: str = "no") -> web.Response:
    return web.json_response({"error": {"message": message, "type": code, "code": code}}, status=status)
