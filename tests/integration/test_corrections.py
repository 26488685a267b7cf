"""Correcting an interaction over HTTP: its document in Cosmos DB, its row in Postgres, and who comes between."""

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared import services
from shared.errors import Transient
from shared.models.document_versions import CURRENT
from shared.models.views import InteractionView
from shared.stores.cosmos import Documents
from shared.sync.apply import Sync
from tests.integration.corrections import get, patch, read, seen
from tests.integration.shop import Document, Shop

pytest_plugins = ["tests.integration.shop_fixtures"]


@pytest.fixture(scope="module")
def shop(make_shop: Callable[[], Shop]) -> Shop:
    """One project for all: each test corrects an interaction of its own."""
    return make_shop()


@pytest.fixture(autouse=True)
def _served(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "current", lambda: shop.hub)


async def test_a_correction_is_in_its_answer_in_cosmos_db_and_in_postgres_at_once(shop: Shop) -> None:
    row, etag = await seen(shop)
    before = await read(shop, row)
    agent, organization = str(uuid.uuid4()), str(uuid.uuid4())
    wanted = {
        "agentId": agent,
        "organizationId": organization,
        "type": "call",
        "content": "It stopped ☎ at noon.",
        "timestamp": "2024-05-28T12:20:30.123456+02:00",
        "metadata": {"corrected": True, "by": {"ключ": [1, 2.5, 2**53, -1e20]}},
    }
    said = await patch(shop, row["id"], wanted, etag)
    assert said.status == 200
    after, stored = await read(shop, row), shop.interaction(row["id"])
    moment = "2024-05-28T10:20:30.123456Z"
    assert {name: said.body[name] for name in wanted} == wanted | {"timestamp": moment}
    assert after == before | wanted | {
        "timestamp": moment, "version": after["version"], "_etag": after["_etag"], "_ts": after["_ts"],
    }  # fmt: skip
    assert after["version"] > before["version"]
    assert (str(stored["agent_id"]), str(stored["organization_id"])) == (agent, organization)
    assert (stored["type"], stored["content"], stored["metadata"]) == ("call", wanted["content"], wanted["metadata"])
    assert stored["timestamp"] == datetime(2024, 5, 28, 10, 20, 30, 123456, UTC)
    assert (stored["source_etag"], stored["source_version"]) == (after["_etag"], after["version"])


async def test_a_correction_answers_with_the_etag_for_the_next_one(shop: Shop) -> None:
    row, etag = await seen(shop)
    first = await patch(shop, row["id"], {"type": "call"}, etag)
    assert first.etag is not None
    assert first.etag == first.body["etag"] == (await get(shop, row["id"])).etag != etag
    second = await patch(shop, row["id"], {"type": "meeting"}, first.etag)
    assert (second.status, second.body["type"]) == (200, "meeting")


async def test_what_a_correction_leaves_out_stays(shop: Shop) -> None:
    row, etag = await seen(shop)
    before = (await get(shop, row["id"])).body
    said = await patch(shop, row["id"], {"content": "corrected"}, etag)
    assert said.body == before | {"content": "corrected", "etag": said.etag}
    InteractionView.model_validate(said.body)


async def test_metadata_is_merged_and_null_removes_a_key(shop: Shop) -> None:
    row, etag = await seen(shop, metadata={"a": {"b": 1, "c": [1, 2]}, "d": "x", "e": None})
    said = await patch(shop, row["id"], {"metadata": {"a": {"b": None, "c": [3]}, "d": None, "f": 1e3}}, etag)
    assert said.body["metadata"] == {"a": {"c": [3]}, "e": None, "f": 1000}
    assert shop.interaction(row["id"])["metadata"] == said.body["metadata"]


async def test_null_empties_agent_and_organization(shop: Shop) -> None:
    row, etag = await seen(shop)
    full = await patch(shop, row["id"], {"agentId": str(uuid.uuid4()), "organizationId": str(uuid.uuid4())}, etag)
    said = await patch(shop, row["id"], {"agentId": None, "organizationId": None}, full.etag)
    assert (said.body["agentId"], said.body["organizationId"]) == (None, None)
    stored = shop.interaction(row["id"])
    assert (stored["agent_id"], stored["organization_id"]) == (None, None)


async def test_the_same_correction_again_is_not_done_twice(shop: Shop) -> None:
    row, etag = await seen(shop)
    first = await patch(shop, row["id"], {"content": "corrected"}, etag)
    after = await read(shop, row)
    assert (await patch(shop, row["id"], {"content": "corrected"}, etag)).problem == (412, "If-Match")
    assert (await patch(shop, row["id"], {"content": "corrected"}, first.etag)).etag == first.etag
    assert await read(shop, row) == after


@pytest.mark.parametrize("body", [{}, {"metadata": {}}, {"metadata": {"never": None}}, {"organizationId": None}])
async def test_a_correction_that_changes_nothing_writes_nothing(shop: Shop, body: dict[str, Any]) -> None:
    row, etag = await seen(shop)
    before = await read(shop, row)
    said = await patch(shop, row["id"], body, etag)
    assert (said.status, said.etag) == (200, etag)
    assert await read(shop, row) == before


async def test_true_is_not_one(shop: Shop) -> None:
    row, etag = await seen(shop, metadata={"flag": 1})
    said = await patch(shop, row["id"], {"metadata": {"flag": True}}, etag)
    assert shop.interaction(row["id"])["metadata"]["flag"] is True
    assert said.etag != etag


async def test_of_corrections_at_the_same_time_one_is_done(shop: Shop) -> None:
    row, etag = await seen(shop)
    answers = await asyncio.gather(*(patch(shop, row["id"], {"content": f"{at}"}, etag) for at in range(8)))
    statuses = sorted(said.status for said in answers)
    assert statuses == [200] + [412] * 7
    (done,) = (said for said in answers if said.status == 200)
    assert done.body["content"] == (await read(shop, row))["content"] == shop.interaction(row["id"])["content"]


async def test_a_foreign_write_that_has_not_reached_postgres_is_not_overwritten_and_is_shown_next(shop: Shop) -> None:
    row, etag = await seen(shop)
    await shop.write(await read(shop, row) | {"content": "foreign"})
    assert (await patch(shop, row["id"], {"content": "ours"}, etag)).problem == (412, "If-Match")
    again = await get(shop, row["id"])
    assert again.body["content"] == "foreign"
    assert (await patch(shop, row["id"], {"type": "call"}, again.etag)).body["content"] == "foreign"


async def test_a_foreign_write_between_reading_and_writing_is_not_overwritten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, etag = await seen(shop)
    races, real = iter([True]), Documents.replace

    async def raced(self: Documents, document: Document, *, etag: str) -> Document | None:
        if next(races, False):
            await shop.write(await read(shop, row) | {"content": "foreign"})
        return await real(self, document, etag=etag)

    monkeypatch.setattr(Documents, "replace", raced)
    assert (await patch(shop, row["id"], {"type": "call"}, etag)).problem == (412, "If-Match")
    assert (await read(shop, row))["content"] == "foreign"


async def test_an_embedding_and_tags_written_meanwhile_hold_no_correction_back(shop: Shop) -> None:
    row, etag = await seen(shop)
    findings = {"embedding": [0.5, 0.25], "embeddingModel": "m", "embeddingDate": None, "tags": ["lead"]}
    assert await shop.hub.documents.set_fields(str(row["id"]), str(row["contact_id"]), findings)
    assert (await patch(shop, row["id"], {"content": "corrected"}, etag)).status == 200
    document = await read(shop, row)
    assert (document["content"], document["embedding"], document["tags"]) == ("corrected", [0.5, 0.25], ["lead"])


async def test_summary_and_analysis_stay_those_of_the_message_as_it_came(shop: Shop) -> None:
    row, etag = await seen(shop)
    shop.rows("UPDATE interactions SET summary = 'as it came' WHERE id = %s", row["id"])
    said = await patch(shop, row["id"], {"content": "corrected"}, etag)
    assert (said.body["summary"], said.body["newText"]) == ("as it came", "It stopped.")
    assert shop.one("SELECT content FROM messages WHERE interaction_id = %s", row["id"])["content"] == row["content"]


async def test_a_late_version_from_before_does_not_undo_a_correction(shop: Shop) -> None:
    row, etag = await seen(shop)
    before = await read(shop, row)
    await patch(shop, row["id"], {"content": "corrected"}, etag)
    await shop.hub.sync.apply_changes([before])
    assert shop.interaction(row["id"])["content"] == "corrected"


async def test_the_feed_brings_a_correction_whose_way_to_postgres_broke(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, etag = await seen(shop)

    async def broken(self: Sync, documents: list[Document], **_: Any) -> None:
        raise Transient("Postgres is away")

    with monkeypatch.context() as away:
        away.setattr(Sync, "apply_changes", broken)
        assert (await patch(shop, row["id"], {"content": "corrected"}, etag)).status == 503
    assert shop.interaction(row["id"])["content"] == row["content"]
    assert (await patch(shop, row["id"], {"content": "corrected"}, etag)).problem == (412, "If-Match")
    assert (await get(shop, row["id"])).body["content"] == "corrected"


async def test_another_organization_does_not_take_a_document_to_another_project(shop: Shop, other_shop: Shop) -> None:
    document = shop.document(organizationId=str(shop.id))
    del document["projectId"]
    await shop.hub.sync.apply_changes([await shop.write(document)])
    etag = (await get(shop, document["id"])).etag
    said = await patch(shop, document["id"], {"organizationId": str(other_shop.id)}, etag)
    assert said.body["organizationId"] == str(other_shop.id)
    assert not other_shop.rows("SELECT 1 FROM interactions WHERE project_id = %s", other_shop.id)


async def test_a_document_that_was_given_to_another_project_is_not_taken_back(shop: Shop, other_shop: Shop) -> None:
    document = await shop.write(shop.document(organizationId=str(shop.id)))
    await shop.hub.sync.apply_changes([document])
    etag = (await get(shop, document["id"])).etag
    moved = await shop.write(document | {"projectId": str(other_shop.id)})
    assert (await patch(shop, document["id"], {"content": "ours"}, etag)).problem == (409, "id")
    assert await shop.hub.documents.read(document["id"], document["contactId"]) == moved


async def test_a_corrected_document_is_of_the_current_schema_and_keeps_what_others_put_there(shop: Shop) -> None:
    document = shop.document(metadata=None, theirs={"score": 1}) | {"content": None}
    await shop.hub.sync.apply_changes([await shop.write(document)])
    etag = (await get(shop, document["id"])).etag
    assert (await patch(shop, document["id"], {"type": "call"}, etag)).status == 200
    after = await shop.hub.documents.read(document["id"], document["contactId"])
    assert after is not None
    assert (after["schemaVersion"], after["metadata"], after["content"]) == (CURRENT, {}, "")
    assert (after["theirs"], after["tags"]) == ({"score": 1}, ["lead"])


async def test_a_corrections_version_passes_one_from_a_clock_that_runs_ahead(shop: Shop) -> None:
    ahead = int((time.time() + timedelta(hours=1).total_seconds()) * 1_000_000)
    document = await shop.write(shop.document(version=ahead))
    await shop.hub.sync.apply_changes([document])
    etag = (await get(shop, document["id"])).etag
    assert (await patch(shop, document["id"], {"type": "call"}, etag)).body["type"] == "call"
    after = await shop.hub.documents.read(document["id"], document["contactId"])
    assert after is not None
    assert after["version"] == ahead + 1


async def test_a_correction_gives_up_for_now_when_others_never_stop_writing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, etag = await seen(shop)

    async def lost(self: Documents, document: Document, *, etag: str) -> None:
        return None

    monkeypatch.setattr(Documents, "replace", lost)
    assert (await patch(shop, row["id"], {"type": "call"}, etag)).status == 503
