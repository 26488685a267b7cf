import asyncio
import json
import time

import aiohttp
import pytest
from azure.storage.blob import BlobServiceClient

from tests.e2e.hub import MINUTE_OF_HOST_TIME, Hub, mail, sign, until


async def test_a_raw_body_that_was_kept_but_never_enqueued_is_found_by_the_sweep(hub: Hub) -> None:
    hub.restart("ingest.blob_put=kill")
    with pytest.raises(aiohttp.ClientError):
        await hub.post("email", mail())
    hub.restart()

    await hub.analysed(await _only_interaction(hub))


async def test_a_call_that_dies_before_its_body_is_kept_leaves_no_trace_and_may_be_sent_again(hub: Hub) -> None:
    hub.restart("ingest.verified=kill")
    sent = mail()
    with pytest.raises(aiohttp.ClientError):
        await hub.post("email", sent)
    hub.restart()

    assert _blobs(hub) == []
    await hub.analysed((await hub.post("email", sent)).body["interactionIds"][0])


async def test_with_postgres_away_for_a_minute_calls_are_accepted_and_nothing_is_lost(hub: Hub) -> None:
    hub.stack.postgres.stop()
    try:
        answers = await asyncio.gather(*(hub.post("email", mail()) for _ in range(20)))
        await asyncio.sleep(MINUTE_OF_HOST_TIME)
    finally:
        hub.stack.postgres.start()

    assert [answer.status for answer in answers] == [202] * 20
    for answer in answers:
        await hub.analysed(answer.body["interactionIds"][0])
    assert hub.rows("SELECT 1 FROM dead_letters WHERE project_id = %s", hub.project.id) == []
    states = hub.rows("SELECT DISTINCT state FROM deliveries WHERE project_id = %s", hub.project.id)
    assert states == [{"state": "done"}]


async def test_with_cosmos_away_messages_wait_and_then_arrive(hub: Hub) -> None:
    hub.stack.cosmos.stop()
    try:
        answer = await hub.post("email", mail())
        assert answer.status == 202
        await asyncio.sleep(2)
    finally:
        hub.stack.cosmos.start()

    await hub.analysed(answer.body["interactionIds"][0])
    assert hub.rows("SELECT 1 FROM dead_letters WHERE project_id = %s", hub.project.id) == []


async def test_a_tampered_body_is_refused_and_kept_nowhere(hub: Hub) -> None:
    source, raw = hub.project.sources["email"], json.dumps(mail()).encode()
    headers = sign(source.secret, raw)
    async with hub.session.post(hub.host.base_url + source.path, data=raw + b" ", headers=headers) as response:
        assert response.status == 401
        assert (await response.json(content_type=None))["field"] == "webhook-signature"
    assert _blobs(hub) == []


async def test_a_stale_timestamp_is_refused(hub: Hub) -> None:
    source, raw = hub.project.sources["email"], json.dumps(mail()).encode()
    headers = sign(source.secret, raw, at=time.time() - 301)
    async with hub.session.post(hub.host.base_url + source.path, data=raw, headers=headers) as response:
        assert response.status == 401
        assert (await response.json(content_type=None))["field"] == "webhook-timestamp"
    assert _blobs(hub) == []


async def test_a_source_blob_copied_over_another_projects_source_opens_nothing(hub: Hub, other_hub: Hub) -> None:
    with BlobServiceClient.from_connection_string(hub.stack.settings["HubStorage"]) as blobs:
        sources = blobs.get_container_client("sources")
        ours, theirs = (str(each.project.sources["email"].id) for each in (hub, other_hub))
        sources.upload_blob(theirs, sources.download_blob(ours).readall(), overwrite=True)

    raw, victim = json.dumps(mail()).encode(), other_hub.project.sources["email"]
    headers = sign(hub.project.sources["email"].secret, raw)
    async with hub.session.post(hub.host.base_url + victim.path, data=raw, headers=headers) as response:
        assert response.status == 503
        assert response.headers["retry-after"]
    assert _blobs(hub) == _blobs(other_hub) == []


async def _only_interaction(hub: Hub) -> str:
    async def stored() -> str | None:
        rows = hub.rows("SELECT id FROM interactions WHERE project_id = %s", hub.project.id)
        assert len(rows) <= 1
        return str(rows[0]["id"]) if rows else None

    return await until(stored)


def _blobs(hub: Hub) -> list[str]:
    with BlobServiceClient.from_connection_string(hub.stack.settings["HubStorage"]) as blobs:
        names = blobs.get_container_client("inbound").list_blob_names()
        return [name for name in names if str(hub.project.id) in name]
