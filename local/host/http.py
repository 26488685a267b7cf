"""HTTP triggers: what the real host does between the socket and the function.

Source of each rule: GrpcMessageConversionExtensions.cs of host 4.1037 (lower-cased headers, repeated query keys
joined by a comma, empty query values dropped, a body only with Content-Length above 0) and the HTTP trigger's pages.
One rule is kinder than Azure: an unknown method on a known path is a 405 with Allow, not a 404.
"""

import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import ClientPayloadError, web
from azure.functions.meta import Datum

from local.host.context import TraceContext
from local.host.invocation import Call, Invoker
from local.host.outputs import Result
from local.host.routes import Route, RouteTable, compile_route

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy
    from yarl import URL

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Keys:
    """The function and the master key; an empty key opens nothing."""

    def __init__(self, function_key: str, master_key: str) -> None:
        self._master = master_key.encode()
        self._function = function_key.encode()

    def allow(self, level: str, request: web.BaseRequest) -> bool:
        """Say whether a request may call a function of this auth level (anonymous, function, admin)."""
        if level == "anonymous":
            return True
        given = (request.headers.get("x-functions-key") or request.query.get("code") or "").encode()
        accepted = [self._master] if level == "admin" else [self._function, self._master]
        return any(key and hmac.compare_digest(given, key) for key in accepted)


class HttpTriggers:
    """Answers every request of the app; made once, holds the compiled routes."""

    def __init__(self, invokers: list[Invoker], keys: Keys, *, prefix: str, body_limit: int) -> None:
        self._routes = RouteTable([_route(invoker) for invoker in invokers], prefix=prefix)
        self._keys = keys
        self._body_limit = body_limit

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request; a failing function is a 500 with an empty body and its traceback in the log."""
        found = self._routes.find(request.method, request.rel_url.raw_path)
        if found is None:
            return _empty(HTTPStatus.NOT_FOUND)
        if found.target is None:
            allowed = ", ".join(sorted(found.allowed))
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": allowed})
        if not self._keys.allow(str(found.target.function.settings["authLevel"]).lower(), request):
            return _empty(HTTPStatus.UNAUTHORIZED)
        with found.target.activity.unit():
            return await self._invoke(found.target, request, found.parameters)

    async def _invoke(self, invoker: Invoker, request: web.BaseRequest, parameters: dict[str, str]) -> web.Response:
        if (request.content_length or 0) > self._body_limit:
            return _closing(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            body = await _body(request)
        except (ConnectionError, web.RequestPayloadError, ClientPayloadError):
            return _closing(HTTPStatus.BAD_REQUEST)
        result = await invoker.perform(Call(_datum(request, parameters, body), trace=_trace(request.headers)))
        return _empty(HTTPStatus.INTERNAL_SERVER_ERROR) if result is None else _render(result)


async def _body(request: web.BaseRequest) -> bytes:
    """Return the body the function sees: a chunked one has no length and does not reach a function in Azure either."""
    if not request.content_length:
        return b""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        # The interim answer must not count as the start of the real one.
        request.writer.output_size = 0
    return await request.content.read()


def _route(invoker: Invoker) -> Route[Invoker]:
    settings = invoker.function.settings
    return compile_route(str(settings["route"]), settings.get("methods") or (), invoker)


def _datum(request: web.BaseRequest, parameters: dict[str, str], body: bytes) -> Datum:
    url = f"{request.scheme}://{request.host}{request.raw_path}"
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(url, "string"),
            "headers": _headers(request.headers),
            "query": _query(request.rel_url),
            "params": {name: Datum(value, "string") for name, value in parameters.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _headers(headers: "CIMultiDictProxy[str]") -> dict[str, Datum]:
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return {name: Datum(value, "string") for name, value in joined.items()}


def _query(url: "URL") -> dict[str, Datum]:
    joined: dict[str, str] = {}
    for name, value in url.query.items():
        if value:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return {name: Datum(value, "string") for name, value in joined.items()}


def _trace(headers: "CIMultiDictProxy[str]") -> TraceContext:
    return TraceContext(headers.get("traceparent", ""), headers.get("tracestate", ""))


def _render(result: Result) -> web.Response:
    """Turn the library's encoded response into one of the server."""
    datum = result.response
    if datum is None:
        return _empty(HTTPStatus.NO_CONTENT)
    if datum.type == "string":
        return web.Response(text=datum.value)
    fields = datum.value
    response = web.Response(status=int(fields["status_code"].value), body=fields["body"].value)
    for name, value in fields["headers"].items():
        # The length is the server's to say: a wrong one would hang the caller.
        if name.lower() not in ("content-length", "transfer-encoding"):
            response.headers[name] = value.value
    for cookie in fields["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response


def _empty(status: HTTPStatus) -> web.Response:
    return web.Response(status=status)


def _closing(status: HTTPStatus) -> web.Response:
    # The unread body would be taken for the next request.
    response = web.Response(status=status)
    response.force_close()
    return response
