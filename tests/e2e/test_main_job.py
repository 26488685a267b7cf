import asyncio
import json
from typing import Any

from tests.e2e.hub import Hub, mail, sign, until


async def test_a_mail_and_a_chat_of_one_person_become_one_analysed_history(hub: Hub) -> None:
    sent = mail(**{"from": "Ada Byron <ada@example.com>"})
    by_mail = (await hub.post("email", sent)).body["interactionIds"][0]
    chat = {"clientId": "widget-7", "conversationId": "c1", "email": "Ada@Example.com", "sentAt": sent["sentAt"]}
    by_chat = (await hub.post("chat", chat | {"content": "Where is my order #A-1001?"})).body["interactionIds"][0]

    await hub.analysed(by_mail)
    await hub.analysed(by_chat)

    contact = (await hub.get("contacts?email=ada@example.com")).body["items"][0]
    context = (await hub.get(f"contacts/{contact['id']}/context")).body
    assert {item["id"] for item in context["interactions"]["items"]} == {by_mail, by_chat}
    assert all(item["analysis"]["engine"] == "offline" for item in context["interactions"]["items"])
    assert [fact["contextType"] for fact in context["facts"]["items"]] == ["appraisal"]
    for interaction in (by_mail, by_chat):
        await _agree(hub, interaction)


async def test_the_same_webhook_fifty_times_in_parallel_is_one_interaction(hub: Hub) -> None:
    source, raw = hub.project.sources["email"], json.dumps(mail()).encode()
    headers = sign(source.secret, raw)

    async def post() -> tuple[int, bytes]:
        async with hub.session.post(hub.host.base_url + source.path, data=raw, headers=headers) as response:
            return response.status, await response.read()

    answers = set(await asyncio.gather(*(post() for _ in range(50))))

    assert len(answers) == 1
    status, body = answers.pop()
    assert status == 202
    interaction = json.loads(body)["interactionIds"][0]
    await hub.analysed(interaction)
    assert await _counts(hub) == {"contacts": 1, "interactions": 1, "messages": 1, "ai_analysis": 1, "deliveries": 1}
    assert len(hub.documents(interaction)) == 1


async def test_two_projects_never_see_each_other(hub: Hub, other_hub: Hub) -> None:
    sent = mail()
    ours = (await hub.post("email", sent)).body
    theirs = (await other_hub.post("email", sent)).body
    await hub.analysed(ours["interactionIds"][0])
    await other_hub.analysed(theirs["interactionIds"][0])

    contact = (await hub.get("contacts")).body["items"][0]["id"]
    paths = [
        f"interactions/{ours['interactionIds'][0]}",
        f"ingest/deliveries/{ours['deliveryId']}",
        f"contacts/{contact}",
        f"contacts/{contact}/context",
    ]
    assert [(await hub.get(path)).status for path in paths] == [200] * 4
    assert [(await other_hub.get(path)).status for path in paths] == [404] * 4
    assert ours["interactionIds"] != theirs["interactionIds"]
    assert contact not in json.dumps((await other_hub.get("contacts")).body)


async def test_a_deleted_interaction_is_gone_from_every_read(hub: Hub) -> None:
    interaction = (await hub.post("email", mail())).body["interactionIds"][0]
    stored = await hub.analysed(interaction)

    headers = {"x-functions-key": hub.host.key, "x-project-id": str(hub.project.id)}
    url = f"{hub.host.base_url}/api/v1/interactions/{interaction}"
    async with hub.session.delete(url, headers=headers) as response:
        assert response.status == 204

    assert (await hub.get(f"interactions/{interaction}")).status == 404
    context = (await hub.get(f"contacts/{stored['contactId']}/context")).body
    assert context["interactions"]["items"] == []
    assert context["facts"]["items"] == []
    document = hub.documents(interaction)[0]
    assert (document["deleted"], document["content"]) == (True, "")


async def _agree(hub: Hub, interaction: str) -> None:
    """Both stores hold the same shared fields."""
    document = hub.documents(interaction)[0]

    async def same_version() -> Any:
        row = hub.one("SELECT * FROM interactions WHERE id = %s", interaction)
        assert row is not None
        return row if row["source_etag"] == document["_etag"] else None

    row = await until(same_version)
    assert str(row["contact_id"]) == document["contactId"]
    assert str(row["agent_id"]) == document["agentId"]
    assert (row["type"], row["content"], row["metadata"]) == (
        document["type"],
        document["content"],
        document["metadata"],
    )
    assert len(document["embedding"]) == 384
    assert document["tags"]


async def _counts(hub: Hub) -> dict[str, int]:
    tables = ("contacts", "interactions", "messages", "ai_analysis", "deliveries")
    queries = {table: f"SELECT count(*) AS n FROM {table} WHERE project_id = %s" for table in tables}
    return {table: hub.rows(query, hub.project.id)[0]["n"] for table, query in queries.items()}
