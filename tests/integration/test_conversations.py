"""Threads: one conversation whatever order its mails arrive in, and no more than one."""

import asyncio
import itertools
import secrets
from typing import Any

import pytest

from shared.errors import Transient
from shared.inbox.history import Arrival, record_arrival
from shared.ingestion import store
from shared.stores.postgres import Transaction
from tests.integration.tenant import Tenant, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]

ORDERS = list(itertools.permutations(range(4)))


def thread(kind: str) -> list[dict[str, Any]]:
    """Four mails, each an answer to the one before, linked in one of the ways that mail programs have."""
    name = secrets.token_hex(4)
    ids = [f"<{name}-{number}@example.com>" for number in range(4)]
    links: list[dict[str, Any]]
    if kind == "references":
        links = [{"references": ids[:number]} for number in range(4)]
    elif kind == "in_reply_to":
        links = [{}, *({"inReplyTo": earlier} for earlier in ids[:3])]
    else:
        links = [{"threadId": name}] * 4
    return [mail(sender=f"{name}@example.com", messageId=ids[number], **links[number]) for number in range(4)]


@pytest.mark.parametrize("kind", ["references", "in_reply_to", "thread_id"])
async def test_a_thread_is_one_conversation_in_every_order_of_arrival(tenant: Tenant, kind: str) -> None:
    threads = [thread(kind) for _ in ORDERS]
    interactions: list[list[Any]] = []
    for mails, order in zip(threads, ORDERS, strict=True):
        interactions.append([(await tenant.deliver("email", mails[number]))["id"] for number in order])

    stored = {row["id"]: row["conversation_id"] for row in tenant.rows("SELECT id, conversation_id FROM interactions")}
    conversations = [{stored[interaction] for interaction in of_order} for of_order in interactions]
    assert [len(each) for each in conversations] == [1] * len(ORDERS)
    assert len(set.union(*conversations)) == len(ORDERS)
    assert tenant.count("conversations") == len(ORDERS)


async def test_a_thread_that_arrives_at_once_is_one_conversation(tenant: Tenant) -> None:
    works = [await tenant.keep("email", each) for _ in range(6) for each in thread("in_reply_to")]

    await asyncio.gather(*(_patiently(tenant, work) for work in works))

    rows = tenant.rows("SELECT DISTINCT contact_id, conversation_id FROM interactions WHERE project_id = %s", tenant.id)
    assert len(rows) == 6
    assert tenant.count("interactions") == 24


async def _patiently(tenant: Tenant, work: Any) -> None:
    """Store as the queue does: what time may cure is tried again."""
    while True:
        try:
            return await tenant.hub.store.store(work)
        except Transient:
            await asyncio.sleep(0.1)


async def test_a_link_that_comes_late_waits_for_a_message_that_is_just_being_stored(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, fourth = thread("in_reply_to")
    await tenant.deliver("email", first)
    await tenant.deliver("email", third)
    works = [await tenant.keep("email", each) for each in (fourth, second)]
    storing, go_on, record = asyncio.Event(), asyncio.Event(), record_arrival

    async def held(transaction: Transaction, arrival: Arrival, files: list[Any]) -> Any:
        row = await record(transaction, arrival, files)
        if arrival.message.external_id == fourth["messageId"]:
            storing.set()
            await go_on.wait()
        return row

    monkeypatch.setattr(store, "record_arrival", held)
    slow = asyncio.create_task(tenant.hub.store.store(works[0]))
    await storing.wait()
    link = asyncio.create_task(_patiently(tenant, works[1]))
    await tenant.done_or_waiting(link)
    go_on.set()
    await asyncio.gather(slow, link)

    rows = tenant.rows("SELECT DISTINCT conversation_id FROM interactions WHERE project_id = %s", tenant.id)
    assert len(rows) == 1


async def test_unrelated_mails_of_one_person_are_two_conversations(tenant: Tenant) -> None:
    first = await tenant.deliver("email", mail(sender="ada@example.com"))
    second = await tenant.deliver("email", mail(sender="ada@example.com"))
    assert first["contact_id"] == second["contact_id"]
    assert first["conversation_id"] != second["conversation_id"]


async def test_two_threads_of_a_provider_stay_two_when_a_mail_names_a_message_of_the_other(tenant: Tenant) -> None:
    first = await tenant.deliver("email", mail(threadId="one", messageId="<1@x>"))
    second = await tenant.deliver("email", mail(threadId="two", messageId="<2@x>"))
    third = await tenant.deliver("email", mail(threadId="two", messageId="<3@x>", inReplyTo="<1@x>"))
    assert first["conversation_id"] != second["conversation_id"] == third["conversation_id"]
    assert tenant.count("conversations") == 2


async def test_a_joined_conversation_is_as_late_as_its_latest_mail(tenant: Tenant) -> None:
    first, second, third, _ = thread("in_reply_to")
    await tenant.deliver("email", first)
    await tenant.deliver("email", third)
    stored = await tenant.deliver("email", second)
    row = tenant.one("SELECT last_message_at FROM conversations WHERE id = %s", stored["conversation_id"])
    latest = tenant.one('SELECT max("timestamp") AS at FROM interactions WHERE project_id = %s', tenant.id)
    assert row
    assert latest
    assert row["last_message_at"] == latest["at"]


async def test_a_thread_id_of_a_thousand_characters_outside_ascii_fits_the_index(tenant: Tenant) -> None:
    name = "".join(chr(0x1F300 + int(byte)) for byte in secrets.token_bytes(998))
    rows = [await tenant.deliver("email", mail(threadId=name)) for _ in range(2)]
    assert rows[0]["conversation_id"] == rows[1]["conversation_id"]


async def test_the_same_thread_id_at_another_project_is_another_conversation(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    ours = await tenant.deliver("email", mail(threadId="t"))
    theirs = await other_tenant.deliver("email", mail(threadId="t"))
    assert ours["conversation_id"] != theirs["conversation_id"]


async def test_the_subject_and_channel_of_a_conversation_are_those_of_its_first_message(tenant: Tenant) -> None:
    first = await tenant.deliver("email", mail(threadId="t", subject="My clock"))
    await tenant.deliver("email", mail(threadId="t", subject="Re: My clock"))
    row = tenant.one("SELECT subject, channel FROM conversations WHERE id = %s", first["conversation_id"])
    assert row == {"subject": "My clock", "channel": "email"}


async def test_a_strangers_mail_that_names_other_peoples_threads_does_not_join_them(tenant: Tenant) -> None:
    ada = await tenant.deliver("email", mail(sender="ada@example.com", messageId="<ada@example.com>"))
    ben = await tenant.deliver("email", mail(sender="ben@example.com", messageId="<ben@example.com>"))
    references = ["<ada@example.com>", "<ben@example.com>"]
    await tenant.deliver("email", mail(sender="eve@example.net", references=references))

    rows = tenant.rows("SELECT id, conversation_id FROM interactions WHERE project_id = %s", tenant.id)
    conversations = {row["id"]: row["conversation_id"] for row in rows}
    assert conversations[ada["id"]] == ada["conversation_id"] != ben["conversation_id"] == conversations[ben["id"]]
