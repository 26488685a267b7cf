"""Documents, queries and batches on the local Cosmos DB server."""

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import CosmosClient as SyncClient
from azure.cosmos import PartitionKey, exceptions
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.partition_key import NonePartitionKeyValue

from tests.integration.cosmos_server import KEY, CosmosServer, ids, item, open_container, query, read_feed

pytest_plugins = ["tests.integration.cosmos_fixtures"]


async def test_a_hierarchical_partition_key_is_refused(client: CosmosClient) -> None:
    database = await client.create_database_if_not_exists("hub")
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        await database.create_container("tree", PartitionKey(["/contactId", "/id"], kind="MultiHash"))
    assert refusal.value.status_code == 400
    assert "tree" not in [found["id"] async for found in database.list_containers()]


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


@pytest.mark.parametrize(
    "item_id",
    ["with space", "50%", "ünïcode-日本", "a:b+c&d=e;f'g", "x" * 255],
    ids=["space", "percent", "unicode", "punctuation", "long"],
)
async def test_an_id_may_hold_any_character_but_separators(container: ContainerProxy, item_id: str) -> None:
    created = await container.create_item(item(item_id, "o'neil/ä"))
    assert await container.read_item(item_id, "o'neil/ä") == created
    await container.patch_item(item_id, "o'neil/ä", [{"op": "set", "path": "/n", "value": 1}])
    assert [found["n"] for found in await query(container, "SELECT * FROM c", partition_key="o'neil/ä")] == [1]
    await container.delete_item(item_id, "o'neil/ä")


async def test_a_document_without_the_partition_property_has_a_partition_of_its_own(container: ContainerProxy) -> None:
    await container.create_item({"id": "a"})
    await container.create_item(item("a"))
    assert "contactId" not in await container.read_item("a", NonePartitionKeyValue)
    await container.delete_item("a", NonePartitionKeyValue)
    assert ids(await query(container, "SELECT * FROM c")) == ["a"]


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


async def test_a_throttled_request_is_repeated_by_the_sdk_until_its_patience_ends(own_cosmos: CosmosServer) -> None:
    own_cosmos.restart(COSMOS_429_EVERY="2")
    async with CosmosClient(own_cosmos.url, KEY) as client:
        container = await open_container(client)
        for n in range(10):
            await container.create_item(item(f"i{n}"))
        assert ids((await read_feed(container, start_time="Beginning"))[0]) == [f"i{n}" for n in range(10)]
    own_cosmos.restart(COSMOS_429_EVERY="1")
    async with CosmosClient(own_cosmos.url, KEY, retry_throttle_total=1) as client:
        container = await open_container(client)
        with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
            await container.create_item(item("refused"))
    assert refusal.value.status_code == 429


def test_the_synchronous_client_works_too(shared_cosmos: CosmosServer) -> None:
    with SyncClient(shared_cosmos.url, KEY) as client:
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


def test_a_document_over_two_megabytes_is_refused(shared_cosmos: CosmosServer) -> None:
    with SyncClient(shared_cosmos.url, KEY) as client:
        database = client.create_database_if_not_exists("hub")
        container = database.create_container_if_not_exists("sync", PartitionKey("/contactId"))
        with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
            container.create_item(item("large", content="x" * 2**21))
    assert refusal.value.status_code == 413
