import asyncio
import io
import json
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.host.configuration import HostJson, HostOptions
from local.host.host import Host

APP = """
import asyncio, json, threading
import azure.functions as func

app = func.FunctionApp()
started, release, ran, gave_up = (asyncio.Event() for _ in range(4))
seen = []

def told(req):
    return func.HttpResponse(json.dumps({
        "method": req.method, "url": req.url, "headers": dict(req.headers), "query": dict(req.params),
        "route": dict(req.route_params), "body": req.get_body().decode()}), mimetype="application/json")

@app.route(route="echo", auth_level="anonymous")
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return told(req)

@app.route(route="v1/items/{id}", methods=["GET", "DELETE"], auth_level="anonymous")
async def item(req: func.HttpRequest) -> func.HttpResponse:
    return told(req)

@app.route(route="v1/items/special", methods=["GET"], auth_level="anonymous")
async def special(req: func.HttpRequest) -> str:
    return "special"

@app.route(route="v1/by-id/{id:guid}", auth_level="anonymous")
async def by_guid(req: func.HttpRequest) -> str:
    return "guid"

@app.route(route="v1/by-id/{id:int}", auth_level="anonymous")
async def by_int(req: func.HttpRequest) -> str:
    return "int"

@app.route(route="v1/maybe/{name?}", auth_level="anonymous")
async def maybe(req: func.HttpRequest) -> str:
    return req.route_params.get("name", "nobody")

@app.route(route="files/{*path}", auth_level="anonymous")
async def files(req: func.HttpRequest) -> str:
    return req.route_params.get("path", "")

@app.route(route="keyed")
async def keyed(req: func.HttpRequest) -> str:
    return "in"

@app.route(route="admins", auth_level="admin")
async def admins(req: func.HttpRequest) -> str:
    return "in"

@app.route(route="answers", auth_level="anonymous")
async def answers(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"\\x00\\xff", status_code=418, mimetype="image/png",
        headers={"X-Own": "1", "Content-Length": "99", "Set-Cookie": "a=1; Path=/; HttpOnly"})

@app.route(route="fails", auth_level="anonymous")
async def fails(req: func.HttpRequest) -> str:
    raise RuntimeError("kept from the caller")

@app.route(route="cancels", auth_level="anonymous")
async def cancels(req: func.HttpRequest) -> str:
    raise asyncio.CancelledError

@app.route(route="returns/{what}", auth_level="anonymous")
async def returns(req: func.HttpRequest) -> str:
    return {"dict": {}, "number": 1, "nothing": None}[req.route_params["what"]]

@app.route(route="hidden", auth_level="anonymous")
def hidden(req: func.HttpRequest) -> str:
    async def inner():
        return "never"
    return inner()

@app.route(route="blocking", auth_level="anonymous")
def blocking(req: func.HttpRequest) -> str:
    return str(threading.current_thread() is threading.main_thread())

@app.route(route="context", auth_level="anonymous")
async def with_context(req: func.HttpRequest, context: func.Context) -> str:
    return json.dumps([context.function_name, context.invocation_id, context.function_directory,
        context.trace_context.trace_parent, context.retry_context.retry_count])

@app.route(route="slow", auth_level="anonymous")
async def slow(req: func.HttpRequest) -> str:
    started.set()
    await release.wait()
    return "done"

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
async def yearly(timer: func.TimerRequest) -> None:
    assert not timer.past_due and timer.schedule_status["Next"]
    ran.set()

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
async def stubborn(timer: func.TimerRequest, context: func.Context) -> None:
    seen.append(context.retry_context.retry_count)
    if len(seen) == 3:
        gave_up.set()
    raise RuntimeError("again")
"""


class Served:
    """A running toy app and a client for it."""

    def __init__(self, host: Host, session: aiohttp.ClientSession) -> None:
        self.host = host
        self.session = session
        self.module: Any = sys.modules["function_app"]

    async def call(self, path: str, method: str = "GET", **more: Any) -> tuple[int, str]:
        async with self.session.request(method, path, **more) as response:
            return response.status, await response.text()

    async def told(self, path: str, method: str = "GET", **more: Any) -> Any:
        status, text = await self.call(path, method, **more)
        assert status == 200
        return json.loads(text)

    async def status(self) -> Any:
        return await self.told("/admin/host/status")


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "function_app", None)
    (tmp_path / "function_app.py").write_text(textwrap.dedent(APP))
    options = HostOptions(function_key="function", master_key="master", max_body_bytes=1000, drain_seconds=5)
    host = Host(tmp_path, HostJson(version="2.0"), options)
    port = await host.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield Served(host, session)
        await host.stop()


async def test_a_request_arrives_as_the_real_host_passes_it_on(served: Served) -> None:
    told = await served.told(
        "/api/echo?a=1&a=2&b=&c=%C3%A9",
        "POST",
        data="hällo".encode(),
        headers=[("X-Mixed-Case", "One"), ("X-Mixed-Case", "Two")],
    )
    assert told["method"] == "POST"
    assert told["url"].endswith("/api/echo?a=1&a=2&b=&c=%C3%A9")
    assert told["query"] == {"a": "1,2", "c": "é"}
    assert told["headers"]["x-mixed-case"] == "One,Two"
    assert all(name == name.lower() for name in told["headers"])
    assert told["body"] == "hällo"


async def test_a_chunked_body_does_not_reach_the_function(served: Served) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"lost"

    assert (await served.told("/api/echo", "POST", data=chunks()))["body"] == ""


async def test_a_compressed_body_reaches_the_function_as_it_was_sent(served: Served) -> None:
    sent = await served.told("/api/echo", "POST", data=b"plain", headers={"Content-Encoding": "gzip"})
    assert sent["body"] == "plain"


async def test_a_client_that_waits_for_100_continue_gets_it(served: Served) -> None:
    assert (await served.told("/api/echo", "POST", data=b"asked", expect100=True))["body"] == "asked"


async def test_a_body_above_the_limit_is_413_and_one_at_the_limit_is_taken(served: Served) -> None:
    assert (await served.call("/api/echo", "POST", data=b"x" * 1001))[0] == 413
    assert (await served.call("/api/echo", "POST", data=io.BytesIO(b"x" * 5_000_000)))[0] == 413
    assert (await served.call("/api/echo", "POST", data=b"x" * 1000))[0] == 200


async def test_a_route_parameter_is_decoded(served: Served) -> None:
    assert (await served.told("/api/v1/items/a%2Fb%20c"))["route"] == {"id": "a/b c"}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/v1/items/special", "special"),
        ("/API/V1/Items/Special", "special"),
        ("/api/v1/by-id/8d7a4b9e-95d0-4d5f-9c0a-2d5a6e1f7b10", "guid"),
        ("/api/v1/by-id/12", "int"),
        ("/api/v1/maybe", "nobody"),
        ("/api/v1/maybe/ada", "ada"),
        ("/api/files/a/b/c.txt", "a/b/c.txt"),
        ("/api/files", ""),
    ],
)
async def test_a_path_finds_its_function_literals_before_parameters(served: Served, path: str, answer: str) -> None:
    assert await served.call(path) == (200, answer)


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/echo", "/api/v1/items", "/api/v1/items/a/b", "/api/v1/by-id/ada", "/apiecho"],
)
async def test_an_unknown_path_is_404_without_body(served: Served, path: str) -> None:
    assert await served.call(path) == (404, "")


async def test_a_method_that_is_not_declared_is_405_and_says_which_are(served: Served) -> None:
    async with served.session.put("/api/v1/items/a") as response:
        assert (response.status, response.headers["Allow"]) == (405, "DELETE, GET")
    async with served.session.put("/api/v1/items/special") as response:
        assert response.status == 405


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/keyed", None, 401),
        ("/api/keyed", "wrong", 401),
        ("/api/keyed", "function", 200),
        ("/api/keyed", "master", 200),
        ("/api/admins", "function", 401),
        ("/api/admins", "master", 200),
    ],
)
async def test_a_key_opens_what_its_level_allows(served: Served, path: str, key: str | None, status: int) -> None:
    header = await served.call(path, headers={} if key is None else {"X-Functions-Key": key})
    query = await served.call(path, params={} if key is None else {"code": key})
    assert header == query == (status, "in" if status == 200 else "")


async def test_an_unset_key_opens_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.host._http._keys, "_function", b"")
    assert (await served.call("/api/keyed", headers={"x-functions-key": ""}))[0] == 401


async def test_status_headers_cookies_and_bytes_of_a_response_are_kept(served: Served) -> None:
    async with served.session.get("/api/answers") as response:
        assert (response.status, await response.read()) == (418, b"\x00\xff")
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["X-Own"] == "1"
        assert response.headers.getall("Set-Cookie") == ["a=1; HttpOnly; Path=/"]


async def test_an_exception_is_500_without_body_and_its_traceback_is_logged(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    assert await served.call("/api/fails") == (500, "")
    assert "fails failed" in caplog.text
    assert "kept from the caller" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("path", ["/api/returns/dict", "/api/returns/number", "/api/hidden", "/api/cancels"])
async def test_what_the_worker_would_refuse_is_500(served: Served, path: str, caplog: pytest.LogCaptureFixture) -> None:
    assert await served.call(path) == (500, "")
    assert "failed" in caplog.text


async def test_a_coroutine_from_a_sync_function_is_explained(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    await served.call("/api/hidden")
    assert "hidden returned a coroutine: a sync wrapper hides an async handler" in caplog.text


async def test_no_return_value_is_204(served: Served) -> None:
    assert await served.call("/api/returns/nothing") == (204, "")


async def test_a_sync_function_runs_beside_the_event_loop(served: Served) -> None:
    assert await served.call("/api/blocking") == (200, "False")


async def test_each_invocation_has_its_own_context(served: Served, tmp_path: Path) -> None:
    first = await served.told("/api/context", headers={"traceparent": "00-aa-bb-01"})
    second = await served.told("/api/context")
    assert first[0] == "with_context"
    assert first[2:] == [str(tmp_path), "00-aa-bb-01", 0]
    assert first[1] != second[1]


async def test_the_status_counts_what_runs(served: Served) -> None:
    call = asyncio.create_task(served.call("/api/slow"))
    await served.module.started.wait()
    during = await served.status()
    served.module.release.set()
    assert await call == (200, "done")
    after = await served.status()
    assert (during["running"], after["running"]) == (1, 0)
    assert after["state"] == "running"
    assert "keyed" in after["functions"]


async def test_a_timer_runs_by_hand_with_the_master_key_only(served: Served) -> None:
    path = "/admin/functions/yearly"
    assert (await served.call(path, "POST"))[0] == 401
    assert (await served.call(path, "POST", headers={"x-functions-key": "function"}))[0] == 401
    assert (await served.call(path, "POST", headers={"x-functions-key": "master"}))[0] == 202
    await served.module.ran.wait()


@pytest.mark.parametrize(("name", "status"), [("nobody", 404), ("echo", 400)])
async def test_only_a_timer_runs_by_hand(served: Served, name: str, status: int) -> None:
    headers = {"x-functions-key": "master"}
    assert (await served.call(f"/admin/functions/{name}", "POST", headers=headers))[0] == status


async def test_a_timer_that_fails_is_tried_again_as_declared(served: Served) -> None:
    await served.module.gave_up.wait()
    assert served.module.seen == [0, 1, 2]


async def test_a_stop_lets_what_runs_finish_and_takes_nothing_new(served: Served) -> None:
    call = asyncio.create_task(served.call("/api/slow"))
    await served.module.started.wait()
    await served.call("/api/echo")  # leaves a connection open for the next request
    stop = asyncio.create_task(served.host.stop())
    await asyncio.sleep(0)
    try:
        late = (await served.call("/api/echo"))[0]
    except aiohttp.ClientError:
        late = 503  # refused a step earlier, at the closed socket
    served.module.release.set()
    assert await call == (200, "done")
    await stop
    assert late == 503


async def test_a_stop_does_not_wait_for_ever(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.host, "_options", HostOptions(drain_seconds=0.05))
    call = asyncio.create_task(served.call("/api/slow"))
    await served.module.started.wait()
    await served.host.stop()
    with pytest.raises(aiohttp.ClientError):
        await call
