import asyncio
import base64
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from local.host.configuration import HostJson, HostOptions
from local.host.host import Host
from local.stack.stack import Stack

CHECKOUT = Path(__file__).parents[2]
APP = """
import azure.functions as func
app = func.FunctionApp()

@app.queue_trigger(arg_name="msg", queue_name="%TOY_QUEUE%", connection="HubStorage")
async def work(msg: func.QueueMessage) -> None:
    await on_message(msg)
"""
OUTPUTS = """
import azure.functions as func
app = func.FunctionApp()

@app.queue_trigger(arg_name="msg", queue_name="%TOY_QUEUE%", connection="HubStorage")
@app.queue_output(arg_name="$return", queue_name="%TOY_RETURNED%", connection="HubStorage")
@app.queue_output(arg_name="out", queue_name="%TOY_OUT%", connection="HubStorage")
async def work(msg: str, out: func.Out[list[str]]) -> str:
    assert out.get() is None
    out.set([msg + " one", msg + " two"])
    return msg + " back"
"""
KILLED = """
import asyncio, os
import azure.functions as func
app = func.FunctionApp()

@app.queue_trigger(arg_name="msg", queue_name="%TOY_QUEUE%", connection="HubStorage")
async def work(msg: func.QueueMessage) -> None:
    print("took", msg.dequeue_count, flush=True)
    if msg.dequeue_count == 1:
        await asyncio.sleep(3600)
"""
Handler = Callable[[Any], Awaitable[None]]
Settings = dict[str, Any]


class Toy:
    """A queue and the hosts of a toy app that listens to it."""

    def __init__(self, root: Path, queue: QueueClient, connection: str) -> None:
        self.root = root
        self.queue = queue
        self.poison = QueueClient.from_connection_string(connection, f"{queue.queue_name}-poison")
        self.hosts: list[Host] = []

    async def start(
        self, handler: Handler | None = None, *, source: str = APP, lease: int = 600, **queues: Any
    ) -> Host:
        (self.root / "function_app.py").write_text(source)
        host_json = HostJson.model_validate({"version": "2.0", "extensions": {"queues": queues}})
        options = HostOptions(queue_poll_seconds=0.05, queue_lease_seconds=lease, drain_seconds=5)
        host = Host(self.root, host_json, options)
        sys.modules["function_app"].on_message = handler  # type: ignore[attr-defined] # the toy's own hook
        await host.start("127.0.0.1", 0)
        self.hosts.append(host)
        return host

    async def send(self, *bodies: str) -> None:
        for body in bodies:
            await self.queue.send_message(base64.b64encode(body.encode()).decode())

    async def until_empty(self, queue: QueueClient) -> None:
        while True:
            if (await queue.get_queue_properties()).approximate_message_count == 0:
                return
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        for host in self.hosts:
            await host.stop()
        await self.queue.close()
        await self.poison.close()


@pytest.fixture
async def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Stack) -> AsyncIterator[Toy]:
    name = f"toy-{uuid.uuid4().hex}"
    connection = stack.settings["HubStorage"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "function_app", None)
    for key, value in {"HubStorage": connection, "TOY_QUEUE": name, "TOY_OUT": f"{name}-out"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("TOY_RETURNED", f"{name}-returned")
    toy = Toy(tmp_path, QueueClient.from_connection_string(connection, name), connection)
    await toy.queue.create_queue()
    yield toy
    await toy.close()


async def until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.02)


async def texts(queue: QueueClient, count: int) -> list[str]:
    """Waits for `count` messages and returns their decoded bodies."""
    async with queue:
        found: list[str] = []
        while len(found) < count:
            try:
                found += [base64.b64decode(message.content).decode() async for message in queue.receive_messages()]
            except ResourceNotFoundError:
                await asyncio.sleep(0.02)
        return sorted(found)


async def test_a_message_reaches_the_function_decoded_and_is_deleted_after_it(toy: Toy) -> None:
    seen: list[Any] = []

    async def handle(message: Any) -> None:
        seen.append(message)

    await toy.send('{"id": "é"}')
    await toy.start(handle)
    await toy.until_empty(toy.queue)
    (message,) = seen
    assert message.get_json() == {"id": "é"}
    assert message.dequeue_count == 1
    assert "" not in {message.id, message.pop_receipt}
    assert message.insertion_time < message.time_next_visible < message.expiration_time


async def test_at_most_a_batch_and_the_threshold_run_at_once(toy: Toy) -> None:
    running = started = peak = 0
    gate = asyncio.Semaphore(0)

    async def handle(_message: Any) -> None:
        nonlocal running, started, peak
        running, started = running + 1, started + 1
        peak = max(peak, running)
        await gate.acquire()
        running -= 1

    await toy.send(*map(str, range(40)))
    await toy.start(handle)
    await until(lambda: started >= 16)
    for _ in range(7):  # nine run on, one more than the threshold: no new batch
        gate.release()
    await asyncio.sleep(0.3)
    assert started == 16
    gate.release()
    await until(lambda: started >= 32)
    for _ in range(40):
        gate.release()
    await until(lambda: started >= 40)
    await toy.until_empty(toy.queue)
    assert (started, peak) == (40, 24)


async def test_a_failing_message_comes_back_counted_and_ends_in_poison(toy: Toy) -> None:
    counts: list[int] = []

    async def handle(message: Any) -> None:
        counts.append(message.dequeue_count)
        raise ValueError("no")

    await toy.send("bad")
    await toy.start(handle, maxDequeueCount=3)
    assert await texts(toy.poison, 1) == ["bad"]
    await toy.until_empty(toy.queue)
    assert counts == [1, 2, 3]


async def test_a_failed_message_stays_hidden_for_the_visibility_timeout(toy: Toy) -> None:
    failed = asyncio.Event()

    async def handle(_message: Any) -> None:
        failed.set()
        raise ValueError("no")

    await toy.send("later")
    host = await toy.start(handle, visibilityTimeout="00:10:00")
    await failed.wait()
    await host.stop()
    assert (await toy.queue.get_queue_properties()).approximate_message_count == 1
    assert [message async for message in toy.queue.receive_messages()] == []


async def test_a_message_above_the_count_goes_to_poison_without_running(toy: Toy) -> None:
    seen: list[Any] = []

    async def handle(message: Any) -> None:
        seen.append(message)

    await toy.send("crashed twice")
    for _ in range(2):
        async for _message in toy.queue.receive_messages(visibility_timeout=1):
            pass
        await asyncio.sleep(1.1)
    await toy.start(handle, maxDequeueCount=2)
    assert await texts(toy.poison, 1) == ["crashed twice"]
    assert seen == []


async def test_a_message_that_is_no_base64_goes_to_poison_and_the_next_runs(toy: Toy) -> None:
    seen: list[str] = []

    async def handle(message: Any) -> None:
        seen.append(message.get_body().decode())

    await toy.queue.send_message("{plain}")
    await toy.send("good")
    await toy.start(handle)
    await toy.until_empty(toy.queue)
    async with toy.poison:
        assert [message.content async for message in toy.poison.receive_messages()] == ["{plain}"]
    assert seen == ["good"]


async def test_without_encoding_a_message_is_taken_as_it_is(toy: Toy) -> None:
    seen: list[bytes] = []

    async def handle(message: Any) -> None:
        seen.append(message.get_body())

    await toy.queue.send_message("{plain}")
    await toy.start(handle, messageEncoding="none")
    await toy.until_empty(toy.queue)
    assert seen == [b"{plain}"]


async def test_a_message_stays_hidden_while_its_function_runs_longer_than_the_lease(toy: Toy) -> None:
    counts: list[int] = []

    async def handle(message: Any) -> None:
        counts.append(message.dequeue_count)
        await asyncio.sleep(2.5)

    await toy.send("long")
    await toy.start(handle, lease=1)
    await toy.until_empty(toy.queue)
    assert counts == [1]


async def test_a_message_that_someone_else_took_meanwhile_runs_again(toy: Toy) -> None:
    counts: list[int] = []

    async def handle(message: Any) -> None:
        counts.append(message.dequeue_count)
        if message.dequeue_count == 1:  # another receiver's lease: our pop receipt is stale now
            await toy.queue.update_message(message.id, message.pop_receipt, visibility_timeout=0)

    await toy.send("twice")
    await toy.start(handle)
    await toy.until_empty(toy.queue)
    assert counts == [1, 2]


async def test_a_poison_queue_has_no_poison_queue(toy: Toy, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    async def handle(message: Any) -> None:
        counts.append(message.dequeue_count)
        raise ValueError("no")

    monkeypatch.setenv("TOY_QUEUE", toy.poison.queue_name)
    await toy.poison.create_queue()
    await toy.poison.send_message(base64.b64encode(b"stuck").decode())
    host = await toy.start(handle, maxDequeueCount=2)
    await until(lambda: len(counts) == 2)
    await host.stop()
    assert (await toy.poison.get_queue_properties()).approximate_message_count == 1
    further = QueueClient.from_connection_string(stack.settings["HubStorage"], f"{toy.poison.queue_name}-poison")
    async with further:
        with pytest.raises(ResourceNotFoundError):
            await further.get_queue_properties()


async def test_outputs_are_encoded_and_their_queues_made(toy: Toy, stack: Stack) -> None:
    await toy.send("in")
    await toy.start(source=OUTPUTS)
    connection, name = stack.settings["HubStorage"], toy.queue.queue_name
    assert await texts(QueueClient.from_connection_string(connection, f"{name}-out"), 2) == ["in one", "in two"]
    assert await texts(QueueClient.from_connection_string(connection, f"{name}-returned"), 1) == ["in back"]


async def test_a_store_that_is_down_is_asked_until_it_is_back(
    toy: Toy, stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()

    async def handle(_message: Any) -> None:
        done.set()

    endpoint = next(part for part in stack.settings["HubStorage"].split(";") if part.startswith("QueueEndpoint="))
    store = int(endpoint.rsplit(":", 1)[1].split("/")[0])
    server = await asyncio.start_server(_forward_to(store), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    monkeypatch.setenv("HubStorage", stack.settings["HubStorage"].replace(f":{store}/", f":{port}/"))
    await toy.send("waits")
    await toy.start(handle)
    await until(lambda: "out of reach" in caplog.text)
    server = await asyncio.start_server(_forward_to(store), "127.0.0.1", port)
    await done.wait()
    await until(lambda: "reachable again" in caplog.text)
    await toy.hosts.pop().stop()
    server.close()
    await server.wait_closed()
    assert caplog.text.count("out of reach") == 1


def _forward_to(port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
        writer.close()
        await writer.wait_closed()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer), return_exceptions=True)

    return forward


async def test_a_killed_host_hides_its_message_until_the_lease_ends(toy: Toy) -> None:
    (toy.root / "function_app.py").write_text(KILLED)
    (toy.root / "host.json").write_text('{"version": "2.0"}')
    await toy.send("survivor")
    took = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.host", "--port", "0", "--root", str(toy.root)),
            cwd=CHECKOUT,
            env={**os.environ, "LOCAL_HOST_QUEUE_LEASE_SECONDS": "1", "LOCAL_HOST_QUEUE_POLL_SECONDS": "0.05"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        while not (line := await process.stdout.readline()).startswith(b"took"):
            assert line
        took.append(line.decode().strip())
        process.kill()
        await process.communicate()
    assert took == ["took 1", "took 2"]
