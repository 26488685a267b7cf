"""A correction and a delete over HTTP, with the feed running behind them."""

from typing import Any

from azure.cosmos import CosmosClient

from tests.e2e.hub import Answer, Hub, mail, until


async def call(hub: Hub, method: str, interaction: str, body: object = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    trusted = {"x-functions-key": hub.host.key, "x-project-id": str(hub.project.id)}
    url = f"{hub.host.base_url}/api/v1/interactions/{interaction}"
    async with hub.session.request(method, url, json=body, headers=trusted | sent) as response:
        said = await response.json(content_type=None)
        return Answer(response.status, said or {}, {name.lower(): value for name, value in response.headers.items()})


def write(hub: Hub, document: dict[str, Any]) -> None:
    """Write a document as another service does."""
    with CosmosClient.from_connection_string(hub.stack.settings["HubCosmos"]) as client:
        client.get_database_client("hub").get_container_client("interactions").upsert_item(document)


async def corrected(hub: Hub, interaction: str, patch: dict[str, Any]) -> Answer:
    """Correct what is read, and read it again where analysis wrote its tags in between."""

    async def tried() -> Answer | None:
        etag = (await hub.get(f"interactions/{interaction}")).headers["etag"]
        answer = await call(
            hub, "PATCH", interaction, patch, if_match=etag, content_type="application/merge-patch+json"
        )
        return None if answer.status == 412 else answer

    return await until(tried)


async def test_a_correction_meets_a_foreign_write_and_a_delete_ends_both(hub: Hub) -> None:
    interaction = (await hub.post("email", mail())).body["interactionIds"][0]
    await hub.analysed(interaction)

    async def embedded() -> bool:
        return bool(hub.documents(interaction)[0]["embedding"])

    assert await until(embedded)
    answer = await corrected(hub, interaction, {"content": "corrected", "metadata": {"checked": True}})
    assert (answer.status, answer.body["content"]) == (200, "corrected")
    assert (await hub.get(f"interactions/{interaction}")).headers["etag"] == answer.headers["etag"]

    (document,) = hub.documents(interaction)
    assert (document["content"], document["metadata"]["checked"]) == ("corrected", True)
    assert document["embedding"]
    write(hub, document | {"type": "call"})

    async def arrived() -> bool:
        return bool((await hub.get(f"interactions/{interaction}")).body["type"] == "call")

    assert await until(arrived)
    refused = await call(hub, "PATCH", interaction, {"content": "again"}, if_match=answer.headers["etag"])
    assert (refused.status, refused.body["field"]) == (412, "If-Match")
    assert (await call(hub, "PATCH", interaction, {"content": "again"})).status == 428

    assert (await call(hub, "DELETE", interaction)).status == 204
    assert (await hub.get(f"interactions/{interaction}")).status == 404
    (tombstone,) = hub.documents(interaction)
    assert (tombstone["deleted"], tombstone["content"]) == (True, "")
