import asyncio
import base64
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient

from local.host import changefeed
from local.host.configuration import HostJson, HostOptions
from local.host.host import Host
from local.host.leases import LeaseLost, LeaseTimes, acquire
from local.stack.stack import Stack

CHECKOUT = Path(__file__).parents[2]
APP = """
import azure.functions as func
app = func.FunctionApp()

@app.cosmos_db_trigger(arg_name="docs", connection="HubCosmos", database_name="%TOY_DATABASE%",
    container_name="%TOY_CONTAINER%", lease_container_name="%TOY_LEASES%", lease_container_prefix="toy",
    create_lease_container_if_not_exists=True, MORE)
POLICY
async def feed(docs: func.DocumentList, context: func.Context) -> None:
    await on_documents([document["id"] for document in docs], context.retry_context.retry_count)
"""
RETRY = '@app.retry(strategy="fixed_delay", max_retry_count="RETRIES", delay_interval="00:00:00.05")'
KILLED = """
import asyncio
async def on_documents(ids, retry):
    print("took", *ids, flush=True)
    if MARK.exists():
        return
    MARK.touch()
    await asyncio.sleep(3600)
import pathlib
MARK = pathlib.Path("first")
"""
TIMES = {"feed_poll_seconds": 0.05, "lease_acquire_seconds": 0.1, "lease_renew_seconds": 0.3, "lease_expiry_seconds": 1}
Handler = Callable[[list[str], int], Awaitable[None]]


class Toy:
    """A container, its leases and the hosts of a toy app that reads its change feed."""

    def __init__(self, root: Path, container: ContainerProxy, leases: ContainerProxy) -> None:
        self.root = root
        self.container = container
        self.leases = leases
        self.hosts: list[Host] = []

    def write(self, *, retries: int | None = None, more: str = "start_from_beginning=True", extra: str = "") -> None:
        policy = "" if retries is None else RETRY.replace("RETRIES", str(retries))
        source = APP.replace("MORE", more).replace("POLICY", policy) + extra
        (self.root / "function_app.py").write_text(source)

    async def start(self, handler: Handler, **how: Any) -> Host:
        self.write(**how)
        host = Host(self.root, HostJson(version="2.0"), HostOptions(drain_seconds=0.5, **TIMES))  # type: ignore[arg-type] # one dict for all
        sys.modules["function_app"].on_documents = handler  # type: ignore[attr-defined] # the toy's own hook
        await host.start("127.0.0.1", 0)
        self.hosts.append(host)
        return host

    async def put(self, *ids: str) -> None:
        for each in ids:
            await self.container.upsert_item({"id": each, "contactId": "one"})

    async def until_leased(self) -> None:
        while True:
            if [each async for each in self.leases.read_all_items()]:
                return
            await asyncio.sleep(0.02)

    async def lease(self) -> dict[str, Any]:
        (document,) = [dict(each) async for each in self.leases.read_all_items()]
        return document


@pytest.fixture
async def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Stack) -> AsyncIterator[Toy]:
    name = uuid.uuid4().hex
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "function_app", None)
    settings = {"TOY_DATABASE": "toys", "TOY_CONTAINER": f"docs-{name}", "TOY_LEASES": f"leases-{name}"}
    for key, value in {"HubCosmos": stack.settings["HubCosmos"], **settings}.items():
        monkeypatch.setenv(key, value)
    async with CosmosClient.from_connection_string(stack.settings["HubCosmos"]) as client:
        database = await client.create_database_if_not_exists("toys")
        container = await database.create_container(settings["TOY_CONTAINER"], PartitionKey("/contactId"))
        leases = await database.create_container(settings["TOY_LEASES"], PartitionKey("/id"))
        toy = Toy(tmp_path, container, leases)
        yield toy
        for host in toy.hosts:
            await host.stop()


class Seen:
    """A handler that remembers its batches and does what a test asks for."""

    def __init__(self, *, fails: int = 0, hold: bool = False) -> None:
        self.batches: list[tuple[list[str], int]] = []
        self.release = asyncio.Event()
        self._fails = fails
        if not hold:
            self.release.set()

    async def __call__(self, ids: list[str], retry: int) -> None:
        self.batches.append((ids, retry))
        if len(self.batches) <= self._fails:
            raise ValueError("no")
        await self.release.wait()

    @property
    def ids(self) -> list[str]:
        return [each for ids, _ in self.batches for each in ids]


async def until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.02)


async def test_changes_arrive_in_order_and_the_checkpoint_follows_the_function(toy: Toy) -> None:
    seen = Seen(hold=True)
    await toy.put("a", "b")
    host = await toy.start(seen)
    await until(lambda: seen.ids == ["a", "b"])
    assert (await toy.lease())["continuation"] is None
    seen.release.set()
    await toy.put("c")
    await until(lambda: seen.ids == ["a", "b", "c"])
    await host.stop()
    lease = await toy.lease()
    assert lease["continuation"]
    assert lease["owner"] is None


async def test_the_next_host_goes_on_behind_the_checkpoint(toy: Toy) -> None:
    first, second = Seen(), Seen()
    await toy.put("a", "b")
    host = await toy.start(first)
    await until(lambda: first.ids == ["a", "b"])
    await host.stop()
    await toy.put("c")
    await toy.start(second)
    await until(lambda: second.ids == ["c"])


async def test_a_batch_that_fails_without_a_retry_policy_is_lost(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen(fails=1)
    await toy.put("lost")
    await toy.start(seen)
    await until(lambda: "batch of 1 lost to feed" in caplog.text)
    await toy.put("next")
    await until(lambda: len(seen.batches) == 2)
    assert seen.batches == [(["lost"], 0), (["next"], 0)]


async def test_a_retry_policy_holds_the_feed_until_the_batch_succeeds(toy: Toy) -> None:
    seen = Seen(fails=3)
    await toy.put("kept")
    await toy.start(seen, retries=-1)
    await until(lambda: len(seen.batches) == 4)
    await toy.put("next")
    await until(lambda: len(seen.batches) == 5)
    assert seen.batches == [(["kept"], 0), (["kept"], 1), (["kept"], 2), (["kept"], 3), (["next"], 0)]


async def test_a_batch_that_outlasts_its_retry_policy_is_lost_too(toy: Toy) -> None:
    seen = Seen(fails=2)
    await toy.put("lost")
    await toy.start(seen, retries=1)
    await until(lambda: len(seen.batches) == 2)
    await toy.put("next")
    await until(lambda: len(seen.batches) == 3)
    assert seen.batches == [(["lost"], 0), (["lost"], 1), (["next"], 0)]


async def test_a_stop_between_two_tries_leaves_the_batch_to_the_next_host(toy: Toy) -> None:
    first, second = Seen(fails=1000), Seen()
    await toy.put("kept")
    host = await toy.start(first, retries=-1)
    await until(lambda: len(first.batches) > 1)
    await host.stop()
    assert (await toy.lease())["continuation"] is None
    await toy.start(second)
    await until(lambda: second.ids == ["kept"])


async def test_a_batch_holds_at_most_the_declared_number_of_documents(toy: Toy) -> None:
    seen = Seen()
    await toy.put(*"abcde")
    await toy.start(seen, more="start_from_beginning=True, max_items_per_invocation=2")
    await until(lambda: len(seen.ids) == 5)
    assert [ids for ids, _ in seen.batches] == [["a", "b"], ["c", "d"], ["e"]]


async def test_without_start_from_beginning_only_later_changes_count(toy: Toy) -> None:
    seen = Seen()
    await toy.put("old")
    await asyncio.sleep(1.1)  # the feed's start has a resolution of one second
    host = await toy.start(seen, more="max_items_per_invocation=10")

    await toy.until_leased()
    await host.stop()
    await toy.put("new")
    await toy.start(seen, more="max_items_per_invocation=10")
    await until(lambda: "new" in seen.ids)
    assert seen.ids == ["new"]


async def test_a_lease_has_one_holder_until_it_expires(toy: Toy) -> None:
    times = LeaseTimes(acquire=1, renew=1, expiry=0.5)
    feed_range = {"id": "0"}
    first = await acquire(toy.leases, "x", owner="first", feed_range=feed_range, times=times)
    assert first is not None
    assert await acquire(toy.leases, "x", owner="second", feed_range=feed_range, times=times) is None
    await asyncio.sleep(0.6)
    second = await acquire(toy.leases, "x", owner="second", feed_range=feed_range, times=times)
    assert second is not None
    with pytest.raises(LeaseLost):
        await first.checkpoint("stale")
    await second.renew()
    await second.checkpoint("behind")
    await second.release()
    third = await acquire(toy.leases, "x", owner="third", feed_range=feed_range, times=times)
    assert third is not None
    assert third.continuation == "behind"


async def test_a_host_that_lost_its_lease_does_not_write_its_checkpoint(
    toy: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Seen(hold=True)
    await toy.put("a")
    await toy.start(seen)
    await until(lambda: seen.ids == ["a"])
    thief = {**await toy.lease(), "owner": "someone else", "expires": 2**40}
    await toy.leases.upsert_item(thief)
    seen.release.set()
    await until(lambda: "another host took lease" in caplog.text)
    lease = await toy.lease()
    assert (lease["owner"], lease["continuation"]) == ("someone else", None)


async def test_a_host_that_lost_its_lease_stops_trying_its_batch(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen(fails=1000)
    await toy.put("a")
    await toy.start(seen, retries=-1)
    await until(lambda: len(seen.batches) > 1)
    await toy.leases.upsert_item({**await toy.lease(), "owner": "someone else", "expires": 2**40})
    await until(lambda: "another host took lease" in caplog.text)
    tried = len(seen.batches)
    await asyncio.sleep(0.3)
    assert len(seen.batches) == tried


@pytest.mark.parametrize("foreign", ["of another container", "of another store", "that is none"])
async def test_a_refused_checkpoint_is_reported_until_its_lease_is_deleted(
    toy: Toy, foreign: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(changefeed, "_REFUSED_SECONDS", 0.1)
    first, second = Seen(), Seen()
    await toy.put("a")
    host = await toy.start(first)
    await until(lambda: first.ids == ["a"])
    await host.stop()
    lease = await toy.lease()
    await toy.leases.upsert_item({**lease, "continuation": _foreign(lease["continuation"], foreign)})
    await toy.start(second)
    await until(lambda: "the store refuses the checkpoint" in caplog.text)
    assert f"delete document {lease['id']} in container toys/{toy.leases.id}" in caplog.text
    assert second.ids == []
    await toy.leases.delete_item(lease["id"], partition_key=lease["id"])
    await until(lambda: second.ids == ["a"])


def _foreign(continuation: str, kind: str) -> str:
    token = json.loads(base64.b64decode(continuation))
    for part in token["continuation"]["continuation"]:
        part["token"] = {"of another store": '"elsewhere:none:1"', "that is none": '"gibberish"'}.get(
            kind, part["token"]
        )
    if kind == "of another container":
        token["containerRid"] = "elsewhere"
    return base64.b64encode(json.dumps(token).encode()).decode()


async def test_a_killed_host_leaves_its_batch_to_the_next_one(toy: Toy) -> None:
    toy.write(extra=KILLED)
    (toy.root / "host.json").write_text('{"version": "2.0"}')
    times = {f"LOCAL_HOST_{name.upper()}": str(value) for name, value in TIMES.items()}
    await toy.put("survivor")
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.host", "--port", "0", "--root", str(toy.root)),
            cwd=CHECKOUT,
            env={**os.environ, **times},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        while not (line := await process.stdout.readline()).startswith(b"took"):
            assert line
        assert line == b"took survivor\n"
        process.kill()
        await process.communicate()
