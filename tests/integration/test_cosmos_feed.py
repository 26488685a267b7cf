"""The change feed of the local Cosmos DB server, and the tokens that hold a place in it."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from azure.cosmos import exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient

from tests.integration.cosmos_server import KEY, CosmosServer, ids, item, open_container, read_feed

pytest_plugins = ["tests.integration.cosmos_fixtures"]


async def expect_token_refused(server: CosmosServer, token: str) -> None:
    async with CosmosClient(server.url, KEY) as client:
        container = await open_container(client)
        with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
            await read_feed(container, continuation=token)
    assert refusal.value.status_code == 410


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


async def test_a_new_client_resumes_the_feed_in_the_middle(
    shared_cosmos: CosmosServer, container: ContainerProxy
) -> None:
    for n in range(5):
        await container.create_item(item(f"i{n}"))
    pager: Any = container.query_items_change_feed(start_time="Beginning", max_item_count=2).by_page()
    first = [document async for document in await anext(pager)]
    assert isinstance(pager.continuation_token, str)
    async with CosmosClient(shared_cosmos.url, KEY) as other:
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
    own_cosmos: CosmosServer, make_cosmos: Callable[[str], CosmosServer]
) -> None:
    older = make_cosmos("backup")
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client)
        own_cosmos.stop()
        shutil.copytree(own_cosmos.data, older.data)
        own_cosmos.start()
        await container.create_item(item("a"))
        _, token = await read_feed(container, start_time="Beginning")
    older.start()
    await expect_token_refused(older, token)


async def test_a_token_of_another_store_is_refused(
    own_cosmos: CosmosServer, make_cosmos: Callable[[str], CosmosServer]
) -> None:
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client)
        _, token = await read_feed(container, start_time="Beginning")
    other = make_cosmos("other")
    other.start()
    await expect_token_refused(other, token)


async def test_a_token_of_a_dropped_container_is_refused_by_the_new_one_of_its_name(
    shared_cosmos: CosmosServer, client: CosmosClient
) -> None:
    container = await open_container(client, "again")
    await container.create_item(item("a"))
    _, token = await read_feed(container, start_time="Beginning")
    async with CosmosClient(shared_cosmos.url, KEY) as other:
        await other.get_database_client("hub").delete_container("again")
        await (await open_container(other, "again")).create_item(item("b"))
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        await read_feed(container, continuation=token)
    assert refusal.value.status_code == 410
