import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console
from standardwebhooks import Webhook

from local.demo import journeys
from local.demo.client import Endpoint, Hub
from local.demo.journeys import Journey, send_all
from local.demo.samples import Sample, Way
from local.trouble import Trouble

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENDPOINT = Endpoint("/in/email", SECRET)
ANALYSIS = {
    "engine": "offline",
    "createdAt": "2100-01-01T00:00:00Z",
    "classification": {"intent": "thanks", "category": "other", "priority": "low", "language": "en"},
}


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journeys, "_LOOK_EVERY_SECONDS", 0.02)


class FakeHub:
    """Takes webhooks and moves each delivery on by one state whenever it is looked at."""

    def __init__(self, ends_as: str = "done", *, analyses: bool = True) -> None:
        self.ends_as = ends_as
        self.analyses = analyses
        self.taken: list[bytes] = []
        self.types: list[str] = []
        self.looks: dict[str, int] = {}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers))
        self.taken.append(body)
        self.types.append(request.content_type)
        return web.json_response({"deliveryId": f"d{len(self.taken)}"}, status=202)

    async def delivery(self, request: web.Request) -> web.Response:
        assert (request.headers["x-functions-key"], request.headers["X-Project-Id"]) == ("key", "project")
        name = request.match_info["id"]
        self.looks[name] = self.looks.get(name, 0) + 1
        if self.looks[name] == 1:
            return web.json_response({"title": "not found"}, status=404)
        messages = [{"position": 0, "interactionId": f"i-{name}", "state": self.ends_as}]
        return web.json_response({"id": name, "state": self.ends_as, "messages": messages})

    async def interaction(self, request: web.Request) -> web.Response:
        found = {
            "id": request.match_info["id"],
            "type": "email",
            "direction": None,
            "timestamp": "2026-11-13T08:20:00Z",
        }
        return web.json_response(found | {"analysis": ANALYSIS if self.analyses else None})

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Hub]:
        app = web.Application()
        app.router.add_post("/in/{channel}", self.take)
        app.router.add_get("/api/v1/ingest/deliveries/{id}", self.delivery)
        app.router.add_get("/api/v1/interactions/{id}", self.interaction)
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            yield Hub(session, str(server.make_url("")), key="key", project_id="project")


def _sample(name: str, way: Way = "email") -> Sample:
    return Sample(name, way, datetime(2026, 11, 13, tzinfo=UTC), b'{"n": "\xc3\xa9"}', ())


async def _send(fake: FakeHub, *names: str, patience: float = 30) -> tuple[list[Journey], str]:
    shown = io.StringIO()
    console = Console(file=shown, width=80)
    async with fake.serve() as hub:
        samples = [_sample(name) for name in names]

        async def deliver(sample: Sample) -> str:
            return (await hub.post(ENDPOINT, sample)).delivery_id

        sent = await send_all(hub, samples, deliver, console=console, patience=timedelta(seconds=patience))
    return sent, shown.getvalue()


async def test_every_sample_is_followed_from_its_webhook_to_its_analysis() -> None:
    fake = FakeHub()

    sent, shown = await _send(fake, "a", "b")

    assert fake.taken == [b'{"n": "\xc3\xa9"}'] * 2
    assert all(journey.seconds for journey in sent)
    assert shown.splitlines()[-1] == "Waiting for analysis: 2 of 2"


async def test_a_delivery_that_ends_badly_ends_the_demo() -> None:
    with pytest.raises(Trouble, match="delivery d1 of a ended as quarantined"):
        await _send(FakeHub("quarantined"), "a")


async def test_when_patience_ends_what_is_missing_is_named() -> None:
    with pytest.raises(Trouble, match=r"a waits for the analysis of interaction i-d1") as failure:
        await _send(FakeHub(analyses=False), "a", patience=1)

    assert failure.value.what.startswith("1 of 1 samples were not done after 1 s:")


async def test_a_raw_mail_is_posted_as_one() -> None:
    fake = FakeHub()

    async with fake.serve() as hub:
        await hub.post(ENDPOINT, _sample("a", "raw"))
        await hub.post(ENDPOINT, _sample("b", "chat"))

    assert fake.types == ["message/rfc822", "application/json"]


async def test_an_answer_that_is_no_success_is_told_with_its_body() -> None:
    async with FakeHub().serve() as hub:
        with pytest.raises(Trouble, match="answered 404"):
            await hub.post(Endpoint("/nowhere", SECRET), _sample("a"))
