"""The promise of sync: whatever was written, in whatever order it arrives, Postgres ends as Cosmos DB."""

import asyncio
import time
import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.models.documents import InteractionDocument
from tests.integration.shop import Document, Shop

pytest_plugins = ["tests.integration.shop_fixtures"]

SHARED = ("agent_id", "contact_id", "organization_id", "type", "content", "timestamp", "metadata")
# Two documents, so that batches mix them; enough writes for several to fall into one second, and some with waits.
ACTIONS = ("own", "own, clock behind", "own, clock ahead", "keeps version", "drops version", "patch", "tombstone")


async def act(shop: Shop, current: Document, action: str, step: int) -> Document:
    """Write the next version of a document in one of the ways it may be written; return what the feed will bring."""
    if action == "patch":
        operations = [{"op": "set", "path": "/tags", "value": [f"tag{step}"]}]
        return dict(await shop.container.patch_item(current["id"], current["contactId"], operations))
    following = current | {"content": f"step {step}", "metadata": {"step": step}, "deleted": False}
    now = int(time.time() * 1_000_000)
    offset = {"own, clock behind": -5_000_000, "own, clock ahead": 5_000_000}.get(action, 0)
    if action.startswith("own") or action == "tombstone":
        following["version"] = max(current.get("version", 0) + 1, now + offset)
    if action == "drops version":
        following.pop("version", None)
    if action == "tombstone":
        following |= {"content": "", "metadata": {}, "deleted": True}
    return await shop.write(following)


async def history(shop: Shop, actions: list[tuple[int, str, bool]]) -> tuple[list[Document], list[Document]]:
    """Do as the actions say; return every version there was, and the documents as they are at the end."""
    current = [await shop.write(shop.document(version=int(time.time() * 1_000_000))) for _ in range(2)]
    versions = list(current)
    for step, (which, action, pause) in enumerate(actions):
        if pause:
            await asyncio.sleep(1.001 - time.time() % 1)
        current[which] = await act(shop, current[which], action, step)
        versions.append(current[which])
    return versions, current


def stored(shop: Shop, document: Document) -> tuple[dict[str, Any], bool, str]:
    row = shop.interaction(document["id"])
    return {name: row[name] for name in SHARED}, row["deleted_at"] is not None, row["source_etag"]


def held(document: Document) -> tuple[dict[str, Any], bool, str]:
    read = InteractionDocument.read(document)
    return {name: getattr(read, name) for name in SHARED}, read.deleted, read.etag


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    actions=st.lists(
        st.tuples(st.sampled_from([0, 1]), st.sampled_from(ACTIONS), st.sampled_from([False] * 5 + [True])), max_size=6
    ),
    data=st.data(),
)
async def test_postgres_ends_as_cosmos_db_whatever_the_order(
    shop: Shop, actions: list[tuple[int, str, bool]], data: st.DataObject
) -> None:
    versions, current = await history(shop, actions)
    places = st.lists(st.integers(0, len(versions) - 1), max_size=4)
    arriving = data.draw(st.permutations([*range(len(versions)), *data.draw(places, label="twice")]), label="order")
    while arriving:
        size = data.draw(st.integers(1, len(arriving)), label="batch")
        batch, arriving = arriving[:size], arriving[size:]
        await shop.hub.sync.apply_changes([versions[at] for at in batch])
    for document in current:
        assert stored(shop, document) == held(document)


async def test_a_tombstone_is_not_overtaken_by_what_was_before_it(shop: Shop) -> None:
    versions, current = await history(shop, [(0, "own", True), (0, "tombstone", True)])
    await shop.hub.sync.apply_changes(versions[::-1])
    await shop.hub.sync.apply_changes(versions)
    assert stored(shop, current[0]) == held(current[0])
    assert shop.interaction(current[0]["id"])["deleted_at"] is not None
    assert shop.interaction(current[0]["id"])["content"] == ""


async def test_a_patch_of_tags_confirms_the_row_and_changes_nothing_shared(shop: Shop) -> None:
    versions, current = await history(shop, [(0, "patch", True)])
    await shop.hub.sync.apply_changes([versions[0]])
    before, _, first = stored(shop, current[0])
    await shop.hub.sync.apply_changes([versions[2]])
    after, _, second = stored(shop, current[0])
    assert before == after
    assert first != second


def test_the_order_is_microseconds() -> None:
    times = {"_ts": 1_717_000_000, "_etag": "e", "timestamp": "2024-05-28T10:20:30Z"}
    document = {"id": str(uuid.uuid4()), "contactId": str(uuid.uuid4()), "type": "note", **times}
    read = InteractionDocument.read
    assert read(document).order == 1_717_000_000_000_000
    assert read(document | {"version": 1_717_000_000_000_001}).order == 1_717_000_000_000_001
    assert read(document | {"version": 7}).order == 1_717_000_000_000_000
