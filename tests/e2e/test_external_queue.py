import json
import os
import re
import secrets
import uuid
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from local.checkout import CHECKOUT
from local.sources import Site, add, described
from tests.e2e.hub import Hub, mail, until


def example() -> str:
    found = re.search(
        r"<!-- example -->\n```python\n(.*?)```", (CHECKOUT / "docs" / "queues.md").read_text(), re.DOTALL
    )
    assert found
    return found[1]


@pytest.fixture
def source(hub: Hub) -> str:
    """A source of channel `queue`, made as an operator makes it."""
    site = Site(hub.stack.settings | {"PUBLIC_BASE_URL": hub.host.base_url}, hub.stack.owner_dsn())
    made = add(site, hub.project.id, channel="queue", name=secrets.token_hex(4), provider="email-json")
    assert str(made.id) in described(site.base_url, made)
    return str(made.id)


async def test_the_example_of_the_documentation_becomes_analysed_history(
    hub: Hub, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HubStorage", hub.stack.settings["HubStorage"])
    monkeypatch.setenv("SOURCE", source)
    for _ in range(2):
        exec(compile(example(), "docs/queues.md", "exec"), {"os": os})  # it is ours, and shown to be pasted

    async def stored() -> str | None:
        rows = hub.rows("SELECT id FROM interactions WHERE project_id = %s", hub.project.id)
        return str(rows[0]["id"]) if rows else None

    interaction = await until(stored)
    view = await hub.analysed(interaction)
    assert view["subject"] == "The clock on the stairs"
    assert len(hub.documents(interaction)) == 1
    assert hub.rows("SELECT 1 FROM dead_letters WHERE project_id = %s", hub.project.id) == []


@pytest.mark.parametrize("encoded", [True, False])
async def test_a_bad_message_is_a_dead_letter_that_an_operator_sees_and_discards(
    hub: Hub, source: str, *, encoded: bool
) -> None:
    name = secrets.token_hex(4)
    body = json.dumps({"version": 1, "source": source, "id": name, "message": mail(**{"from": "nobody"})})
    await _put(hub, body, encoded=encoded)

    async def listed() -> dict[str, Any] | None:
        items = (await hub.get("dead-letters?state=open&stage=accept_message")).body["items"]
        return items[0] if items else None

    letter = await until(listed)
    assert letter["payload"]["source"] == source
    assert ("from must be an email address" if encoded else "not base64") in letter["reason"]
    headers = {"x-functions-key": hub.host.key, "x-project-id": str(hub.project.id)}
    url = f"{hub.host.base_url}/api/v1/dead-letters/{letter['id']}/discard"
    async with hub.session.post(url, json={"reason": "a test"}, headers=headers) as response:
        assert (response.status, (await response.json())["state"]) == (200, "discarded")
    operator = f"{hub.host.base_url}/api/v1/operator/dead-letters"
    async with hub.session.get(operator, headers=headers) as response:
        assert response.status == 401


async def test_a_function_key_opens_no_letter_of_no_project(hub: Hub) -> None:
    headers = {"x-functions-key": hub.host.key, "x-project-id": str(uuid.UUID(int=0))}
    async with hub.session.get(f"{hub.host.base_url}/api/v1/dead-letters", headers=headers) as response:
        assert (response.status, (await response.json())["items"]) == (200, [])


async def _put(hub: Hub, body: str, *, encoded: bool) -> None:
    from azure.storage.queue import TextBase64EncodePolicy

    options: dict[str, Any] = {"message_encode_policy": TextBase64EncodePolicy()} if encoded else {}
    with QueueClient.from_connection_string(hub.stack.settings["HubStorage"], "external-messages", **options) as queue:
        queue.send_message(body, time_to_live=-1)
