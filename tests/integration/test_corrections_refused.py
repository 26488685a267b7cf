"""What a correction may not be, and what may not be corrected: refused by name, and nothing is written."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from functions.interactions import MAX_PATCH_BYTES, delete_interaction
from shared import services
from shared.models.document_versions import CURRENT
from shared.models.text import MAX_CONTENT_BYTES, MAX_DEPTH, MAX_METADATA_BYTES
from tests.integration.corrections import call, get, patch, read, seen
from tests.integration.shop import Shop

pytest_plugins = ["tests.integration.shop_fixtures"]


@pytest.fixture(scope="module")
def shop(make_shop: Callable[[], Shop]) -> Shop:
    """One project for all: each test corrects an interaction of its own."""
    return make_shop()


@pytest.fixture(autouse=True)
def _served(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "current", lambda: shop.hub)


@pytest.mark.parametrize("name", ["type", "content", "timestamp", "metadata"])
async def test_null_in_a_required_field_is_refused_by_name(shop: Shop, name: str) -> None:
    row, etag = await seen(shop)
    before = await read(shop, row)
    assert (await patch(shop, row["id"], {name: None}, etag)).problem == (422, name)
    assert await read(shop, row) == before


@pytest.mark.parametrize(
    "name", ["id", "contactId", "projectId", "version", "deleted", "embedding", "tags", "summary", "agent_id", "nope"]
)
async def test_what_can_not_be_corrected_is_refused_by_name(shop: Shop, name: str) -> None:
    row, etag = await seen(shop)
    before = await read(shop, row)
    said = await patch(shop, row["id"], {"content": "corrected", name: before.get(name)}, etag)
    assert said.problem == (422, name)
    assert await read(shop, row) == before


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"type": ""}, (422, "type")),
        ({"type": "x" * 51}, (422, "type")),
        ({"type": "a\0"}, (422, "type")),
        ({"content": 5}, (422, "content")),
        ({"content": "a\0"}, (422, "content")),
        ({"content": "é" * (MAX_CONTENT_BYTES // 2) + "e"}, (422, "content")),
        ({"metadata": []}, (422, "metadata")),
        ({"metadata": {"a": "\0"}}, (422, "metadata")),
        ({"metadata": {"a": "x" * MAX_METADATA_BYTES}}, (422, "metadata")),
        ({"metadata": {"a": [{"b": 2**53 + 1}]}}, (422, "metadata")),
        ({"metadata": {"a": -(10**400)}}, (422, "metadata")),
        ({"agentId": "robin"}, (422, "agentId")),
        ({"timestamp": "yesterday"}, (422, "timestamp")),
        ({"timestamp": 1716891630}, (422, "timestamp")),
        ({"timestamp": "9999-12-31T23:59:59-14:00"}, (422, "timestamp")),
        (b'{"metadata": {"a": "\\ud800"}}', (422, "body")),
        (b'{"metadata": {"a": NaN}}', (400, "body")),
        (b"[]", (400, "body")),
        (b"{", (400, "body")),
        (b" " * (MAX_PATCH_BYTES + 1), (413, "body")),
    ],
)
async def test_what_can_not_be_stored_is_refused_by_name(shop: Shop, body: object, problem: tuple[int, str]) -> None:
    row, etag = await seen(shop)
    before = await read(shop, row)
    assert (await patch(shop, row["id"], body, etag)).problem == problem
    assert await read(shop, row) == before


async def test_content_and_metadata_may_be_as_large_as_their_limits(shop: Shop) -> None:
    row, etag = await seen(shop, metadata={})
    content, text = "é" * (MAX_CONTENT_BYTES // 2), "x" * (MAX_METADATA_BYTES - len('{"a": ""}'))
    said = await patch(shop, row["id"], {"content": content, "metadata": {"a": text}}, etag)
    assert said.status == 200
    assert shop.interaction(row["id"])["content"] == content


async def test_metadata_that_nests_too_deep_is_refused(shop: Shop) -> None:
    row, etag = await seen(shop)
    deep: dict[str, Any] = {}
    for _ in range(MAX_DEPTH - 2):
        deep = {"a": deep}
    assert (await patch(shop, row["id"], {"metadata": deep}, etag)).status == 200
    assert (await patch(shop, row["id"], {"metadata": {"a": deep}}, "*")).problem == (400, "body")


async def test_without_if_match_nothing_is_corrected(shop: Shop) -> None:
    row, _ = await seen(shop)
    before = await read(shop, row)
    assert (await patch(shop, row["id"], {"type": "call"}, None)).problem == (428, "If-Match")
    assert await read(shop, row) == before


@pytest.mark.parametrize("etag", ['"another"', "W/{}", '"a", "b"', '""'])
async def test_another_etag_corrects_nothing(shop: Shop, etag: str) -> None:
    row, current = await seen(shop)
    before = await read(shop, row)
    assert (await patch(shop, row["id"], {"type": "call"}, etag.format(current))).problem == (412, "If-Match")
    assert await read(shop, row) == before


@pytest.mark.parametrize("header", ["", "abc", '"a" "b"', '"a"b', "*, *", '"ä"'])
async def test_an_if_match_that_is_none_is_refused(shop: Shop, header: str) -> None:
    row, _ = await seen(shop)
    assert (await patch(shop, row["id"], {"type": "call"}, header)).problem == (400, "If-Match")


@pytest.mark.parametrize("header", ["*", '"other", {}', ' {} , W/"x"'])
async def test_a_list_with_the_etag_and_a_star_match(shop: Shop, header: str) -> None:
    row, etag = await seen(shop)
    assert (await patch(shop, row["id"], {"type": "call"}, header.format(etag))).status == 200


async def test_json_is_taken_for_a_merge_patch_and_other_types_are_not(shop: Shop) -> None:
    row, etag = await seen(shop)
    refused = await patch(shop, row["id"], {"type": "call"}, etag, content_type="application/json-patch+json")
    assert refused.problem == (415, "content-type")
    taken = await patch(shop, row["id"], {"type": "call"}, etag, content_type="application/json; charset=utf-8")
    assert taken.status == 200


async def test_what_cosmos_db_has_not_confirmed_has_no_etag_and_can_be_corrected_later(shop: Shop) -> None:
    row = await shop.store()
    shown = await get(shop, row["id"])
    assert (shown.etag, shown.body["etag"]) == (None, None)
    said = await patch(shop, row["id"], {"type": "call"}, "*")
    assert said.status == 503
    await shop.hub.sync.apply_changes([await read(shop, row)])
    assert (await patch(shop, row["id"], {"type": "call"}, "*")).status == 200


async def test_what_is_deleted_or_never_was_or_is_another_projects_is_not_found(shop: Shop, other_shop: Shop) -> None:
    row, etag = await seen(shop)
    foreign = await other_shop.store()
    await shop.hub.sync.apply_changes([await read(other_shop, foreign)])
    assert (await call(delete_interaction, shop, row["id"])).status == 204
    assert (await patch(shop, row["id"], {"type": "call"}, etag)).problem == (404, "id")
    assert (await patch(shop, uuid.uuid4(), {"type": "call"}, "*")).problem == (404, "id")
    assert (await patch(shop, foreign["id"], {"type": "call"}, "*")).problem == (404, "id")
    assert (await patch(shop, "no-id", {"type": "call"}, "*")).problem == (404, "id")
    assert (await read(shop, row))["deleted"] is True


async def test_a_tombstone_that_has_not_reached_postgres_is_not_overwritten(shop: Shop) -> None:
    row, etag = await seen(shop)
    await shop.write(await read(shop, row) | {"deleted": True, "content": ""})
    assert (await patch(shop, row["id"], {"type": "call"}, etag)).problem == (404, "id")
    assert (await read(shop, row))["deleted"] is True


async def test_a_document_that_can_not_be_read_is_not_corrected(shop: Shop) -> None:
    row, etag = await seen(shop)
    document = await read(shop, row)
    for broken in ({"type": 5}, {"schemaVersion": CURRENT + 1}):
        written = await shop.write(document | broken)
        assert (await patch(shop, row["id"], {"content": "corrected"}, etag)).problem == (409, "id")
        assert await read(shop, row) == written


async def test_a_document_that_is_gone_is_not_written_again(shop: Shop) -> None:
    row, etag = await seen(shop)
    await shop.container.delete_item(str(row["id"]), partition_key=str(row["contact_id"]))
    assert (await patch(shop, row["id"], {"type": "call"}, etag)).problem == (409, "id")
    assert await shop.hub.documents.read(str(row["id"]), str(row["contact_id"])) is None
