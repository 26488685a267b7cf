"""The ways an answer goes wrong."""

import asyncio
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from aiohttp import web

Json = dict[str, Any]
SLOW_SECONDS = 0.3


class Mode(StrEnum):
    """How to answer one request."""

    OK = "ok"
    FENCED = "fenced"
    INVALID_JSON = "invalid_json"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    REFUSAL = "refusal"
    WRONG_ENUM = "wrong_enum"
    OUT_OF_RANGE = "out_of_range"
    NAN = "nan"
    NUL = "nul"
    EXTRA_FIELD = "extra_field"
    HOSTILE = "hostile"
    TOO_DEEP = "too_deep"
    FIVE_MEGABYTES = "five_megabytes"
    FAILED = "failed"
    UNCOUNTED = "uncounted"
    UNCOUNTED_AND_WRONG = "uncounted_and_wrong"
    CACHED = "cached"
    NO_MODEL = "no_model"
    ZERO_VECTOR = "zero_vector"
    LIMITED = "429"
    LIMITED_FOR_7_SECONDS = "429_after_7"
    LIMITED_IN_MILLISECONDS = "429_after_1500_ms"
    BROKEN = "500"
    OVERLOADED = "503"
    UNKNOWN_KEY = "401"
    UNKNOWN_MODEL = "404"
    BAD_REQUEST = "400"
    CONTENT_FILTER = "400_content_filter"
    STALL = "stall"
    STALL_IN_BODY = "stall_in_body"
    SLOW = "slow"
    HELD = "held"
    RESET = "reset"


_STATUS: dict[Mode, tuple[int, str, dict[str, str]]] = {
    Mode.LIMITED: (429, "rate_limit_exceeded", {}),
    Mode.LIMITED_FOR_7_SECONDS: (429, "rate_limit_exceeded", {"retry-after": "7"}),
    Mode.LIMITED_IN_MILLISECONDS: (429, "rate_limit_exceeded", {"retry-after": "9", "x-ms-retry-after-ms": "1500"}),
    Mode.BROKEN: (500, "server_error", {}),
    Mode.OVERLOADED: (503, "overloaded", {"retry-after": "30"}),
    Mode.UNKNOWN_KEY: (401, "invalid_api_key", {}),
    Mode.UNKNOWN_MODEL: (404, "model_not_found", {}),
    Mode.BAD_REQUEST: (400, "invalid_prompt", {}),
    Mode.CONTENT_FILTER: (400, "content_filter", {}),
}


def billed(mode: Mode) -> bool:
    """Whether the server worked for its answer: an answer that nobody hears is one."""
    return mode not in _STATUS


def _text(change: Callable[[str], str]) -> Callable[[Json], Json]:
    def spoilt(said: Json) -> Json:
        part = said["output"][0]["content"][0]
        return said | {"output": [{"type": "message", "content": [part | {"text": change(part["text"])}]}]}

    return spoilt


def _field(name: str, value: Any) -> Callable[[Json], Json]:
    return _text(lambda text: json.dumps(json.loads(text) | {name: value}))


def _cut_off(reason: str) -> Callable[[Json], Json]:
    half = _text(lambda text: text[: len(text) // 2])
    return lambda said: half(said) | {"status": "incomplete", "incomplete_details": {"reason": reason}}


_WORDS = (
    "'); DROP TABLE contacts; -- <script>alert(1)</script> ![x](https://evil.example/?q=1) \x00\ud800 "
    "=cmd|' /C calc'!A0"
)
_HOSTILE = {
    "summary": _WORDS,
    "topics": [_WORDS] * 10,
    "tags": [_WORDS[:50]] * 20,
    "facts": [{"type": "commitment", "fact": _WORDS, "quote": _WORDS, "start": 0, "end": 500}] * 20,
    "entities": [{"type": "email", "text": _WORDS, "value": _WORDS, "start": 10**9, "end": 0}] * 50,
}


def _hostile(text: str) -> str:
    return json.dumps(json.loads(text) | _HOSTILE)


def _uncounted(said: Json) -> Json:
    return {name: value for name, value in said.items() if name != "usage"}


def _cached(said: Json) -> Json:
    details = {"input_tokens_details": {"cached_tokens": said["usage"]["input_tokens"] // 2}}
    return said | {"usage": said["usage"] | details}


_REFUSED = [{"type": "message", "content": [{"type": "refusal", "refusal": "I can't help with that."}]}]
_SPOILT: dict[Mode, Callable[[Json], Json]] = {
    Mode.FENCED: _text(lambda text: f"```json\n{text}\n```"),
    Mode.INVALID_JSON: _text(lambda text: "Sure! Here it is: " + text),
    Mode.EMPTY: _text(lambda _: ""),
    Mode.TRUNCATED: _cut_off("max_output_tokens"),
    Mode.FILTERED: _cut_off("content_filter"),
    Mode.REFUSAL: lambda said: said | {"output": _REFUSED},
    Mode.WRONG_ENUM: _field("sentiment", {"label": "livid", "score": 0}),
    Mode.OUT_OF_RANGE: _field("sentiment", {"label": "negative", "score": -7}),
    Mode.NAN: _field("sentiment", {"label": "negative", "score": float("nan")}),
    Mode.NUL: _field("summary", "A\x00 clock\ud800."),
    Mode.EXTRA_FIELD: _field("send_mail_to", "eve@example.com"),
    Mode.HOSTILE: _text(_hostile),
    Mode.TOO_DEEP: _text(lambda _: "[" * 200_000),
    Mode.FIVE_MEGABYTES: _field("summary", "x" * 5_000_000),
    Mode.FAILED: lambda said: said | {"status": "failed", "output": [], "error": {"code": "server_error"}},
    Mode.UNCOUNTED: _uncounted,
    Mode.UNCOUNTED_AND_WRONG: lambda said: _uncounted(_field("sentiment", {"label": "livid", "score": 0})(said)),
    Mode.CACHED: _cached,
    Mode.ZERO_VECTOR: lambda said: said | {"data": [{"embedding": [0.0] * 512}]},
}


async def spoil(mode: Mode, said: Json, request: web.Request) -> web.StreamResponse:
    """Return the answer as `mode` has it; a mode that is for the other API leaves it as it is."""
    if mode in _STATUS:
        status, code, headers = _STATUS[mode]
        error = {"message": f"quotes the customer: {code}", "code": code}
        return web.json_response({"error": error}, status=status, headers=headers)
    if mode in _SPOILT:
        return web.json_response(_SPOILT[mode](said))
    if mode is Mode.NO_MODEL:
        return web.Response(text="<html>It works!</html>", content_type="text/html")
    if mode in (Mode.STALL, Mode.SLOW):
        await asyncio.sleep(3600 if mode is Mode.STALL else SLOW_SECONDS)
    if mode is Mode.STALL_IN_BODY:
        return await _drip(request)
    if mode is Mode.RESET and request.transport:
        request.transport.abort()
    return web.json_response(said)


async def _drip(request: web.Request) -> web.StreamResponse:
    """A byte now and then: no single read ever times out."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)
