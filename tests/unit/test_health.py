"""Health: each store is asked, and none may keep the answer waiting."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from functions import health
from shared import services
from shared.errors import Transient

REQUEST = func.HttpRequest("GET", "http://hub/api/health", body=b"")
STORES = {"blobs": "blobs", "queues": "queues", "postgres": "postgres", "documents": "cosmos"}  # and how they are told


async def well() -> None:
    pass


async def away() -> None:
    raise Transient("Postgres: db.example.com")


async def silent() -> None:
    await asyncio.Event().wait()


async def told(monkeypatch: pytest.MonkeyPatch, **checks: Callable[[], Awaitable[None]]) -> tuple[int, dict[str, Any]]:
    """Ask a hub whose stores are well but for `checks`."""
    hub = SimpleNamespace(settings=SimpleNamespace(secret_keys_wrapped_by="https://vault/keys/k"))
    hub.vault = SimpleNamespace(ready=checks.pop("keys", well))
    for store in STORES:
        setattr(hub, store, SimpleNamespace(check=checks.get(store, well)))
    monkeypatch.setattr(services, "current", lambda: hub)
    answer = await health.health(REQUEST)
    return answer.status_code, json.loads(answer.get_body())["checks"]


async def test_every_store_and_the_keys_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told(monkeypatch) == (200, dict.fromkeys([*STORES.values(), "keys"], "ok"))


@pytest.mark.parametrize(("part", "name"), [*STORES.items(), ("keys", "keys")])
async def test_a_store_that_is_away_is_named_and_nothing_of_it_told(
    part: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, checks = await told(monkeypatch, **{part: away})
    assert status == 503
    assert {store: said for store, said in checks.items() if said != "ok"} == {name: "away"}


async def test_a_store_that_says_nothing_is_waited_for_no_longer_than_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "DEADLINE_SECONDS", 0.01)
    async with asyncio.timeout(10):
        status, checks = await told(monkeypatch, postgres=silent, documents=silent)
    assert status == 503
    assert {store for store, said in checks.items() if said.startswith("no answer")} == {"postgres", "cosmos"}
