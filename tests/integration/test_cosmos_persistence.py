"""What the local Cosmos DB server keeps over its end, and what it lets expire."""

import asyncio
import json
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos import PartitionKey, exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient
from hypothesis import given, settings
from hypothesis import strategies as st

from local.stack.node import Node
from tests.integration.cosmos_server import KEY, CosmosServer, ids, item, open_container, query, read_feed

pytest_plugins = ["tests.integration.cosmos_fixtures"]


async def test_a_restart_keeps_documents_etags_and_feed_positions(own_cosmos: CosmosServer) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client, default_ttl=-1)
        created = await container.create_item(item("a", n=1))
        await container.create_item(item("gone"))
        await container.delete_item("gone", "anna")
        _, token = await read_feed(container, start_time="Beginning")
        own_cosmos.restart()
        assert await container.read_item("a", "anna") == created
        assert (await container.read())["defaultTtl"] == -1
        assert await read_feed(container, continuation=token) == ([], token)
        await container.patch_item("a", "anna", [{"op": "incr", "path": "/n", "value": 1}])
        changed, _ = await read_feed(container, continuation=token)
    assert [(document["id"], document["n"]) for document in changed] == [("a", 2)]


async def test_a_kill_loses_no_acknowledged_write(own_cosmos: CosmosServer) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client)
        written = [await container.create_item(item(f"i{n}")) for n in range(30)]
        own_cosmos.restart(signal.SIGKILL)
        feed, _ = await read_feed(container, start_time="Beginning")
    assert [(document["id"], document["_etag"]) for document in feed] == [(d["id"], d["_etag"]) for d in written]


async def test_half_a_line_at_the_end_of_the_journal_is_dropped(own_cosmos: CosmosServer) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client)
        await container.create_item(item("whole"))
        own_cosmos.stop()
        with own_cosmos.journal.open("a") as journal:
            journal.write('{"kind":"commit","lsn":2,"docu')
        own_cosmos.start()
        await container.create_item(item("next"))
        own_cosmos.restart()
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == ["whole", "next"]


async def test_a_journal_damaged_in_the_middle_is_not_served(own_cosmos: CosmosServer) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        await open_container(client)
    own_cosmos.stop()
    lines = own_cosmos.journal.read_text().splitlines(keepends=True)
    own_cosmos.journal.write_text("".join([lines[0], "nonsense\n", *lines[1:]]))
    with pytest.raises(pytest.fail.Exception, match="line 2 is damaged"):
        own_cosmos.start()


async def test_compaction_keeps_documents_positions_and_resource_ids(own_cosmos: CosmosServer) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        await (await open_container(client, "dropped")).create_item(item("x"))
        await client.get_database_client("hub").delete_container("dropped")
        container = await open_container(client)
        for n in range(11):
            rewrites: Any = [("upsert", (item("a", n=n),)), ("upsert", (item(f"i{n}"),))]
            for _ in range(100):
                await container.execute_item_batch(rewrites, partition_key="anna")
        await container.delete_item("i0", "anna")
        before = await read_feed(container, start_time="Beginning")
        size = own_cosmos.journal.stat().st_size
        own_cosmos.restart()
        assert own_cosmos.journal.stat().st_size < size / 10
        own_cosmos.restart()
        assert await read_feed(container, start_time="Beginning") == before
        assert await read_feed(container, continuation=before[1]) == ([], before[1])
        container_ids = {(await container.read())["_rid"], (await (await open_container(client, "new")).read())["_rid"]}
    kinds = [json.loads(line)["kind"] for line in own_cosmos.journal.read_text().splitlines()]
    assert kinds[0] == "store"
    assert len(container_ids) == 2


async def test_a_container_given_another_ttl_keeps_its_documents(own_cosmos: CosmosServer) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client)
        await container.create_item(item("kept"))
        database = client.get_database_client("hub")
        await database.replace_container(container, PartitionKey("/contactId"), default_ttl=3600)
        assert ids(await query(container, "SELECT * FROM c")) == ["kept"]
        own_cosmos.restart()
        assert (await container.read())["defaultTtl"] == 3600
        assert ids(await query(container, "SELECT * FROM c")) == ["kept"]


async def test_a_second_server_is_kept_off_the_same_data(own_cosmos: CosmosServer) -> None:
    second = CosmosServer(own_cosmos.node, own_cosmos.data)
    with pytest.raises(pytest.fail.Exception, match="another server already uses"):
        second.start()
    second.stop()


@pytest.mark.parametrize(("default_ttl", "hidden"), [(-1, ["own"]), (60, ["own", "default"]), (None, [])])
async def test_an_expired_item_is_hidden_from_reads_queries_and_the_feed(
    own_cosmos: CosmosServer, default_ttl: int | None, hidden: list[str]
) -> None:
    items = {"own": item("own", ttl=30), "default": item("default"), "never": item("never", ttl=-1)}
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client, default_ttl=default_ttl)
        for document in items.values():
            await container.create_item(document)
        visible = [item_id for item_id in items if item_id not in hidden]
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == list(items)
        own_cosmos.restart(COSMOS_CLOCK_OFFSET_SECONDS="90")
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == visible
        assert ids(await query(container, "SELECT * FROM c")) == visible
        for item_id in hidden:
            with pytest.raises(exceptions.CosmosResourceNotFoundError):
                await container.read_item(item_id, "anna")
            await container.create_item(item(item_id))


async def test_the_removal_of_an_expired_item_is_swept_into_the_journal_and_not_into_the_feed(
    own_cosmos: CosmosServer,
) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client, default_ttl=-1)
        await container.create_item(item("brief", ttl=30))
        _, token = await read_feed(container, start_time="Beginning")
        own_cosmos.restart(COSMOS_CLOCK_OFFSET_SECONDS="90")
        deadline = time.monotonic() + 60
        while '"id":"brief"}]' not in own_cosmos.journal.read_text():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        assert (await read_feed(container, continuation=token))[0] == []
        own_cosmos.restart()
        assert ids(await query(container, "SELECT * FROM c")) == []


async def test_a_ttl_that_is_no_positive_number_is_refused(container: ContainerProxy) -> None:
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        await container.create_item(item("a", ttl=0))
    assert refusal.value.status_code == 400


@settings(max_examples=5, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["upsert", "delete", "restart", "kill"]), st.sampled_from("abc"), st.integers(0, 9)),
        max_size=12,
    )
)
def test_any_history_is_the_same_after_a_replay(node: Node, steps: list[tuple[str, str, int]]) -> None:
    expected: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as directory:
        server = CosmosServer(node, Path(directory))
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
