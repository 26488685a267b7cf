"""Who a message is from: one person, one contact, on whichever channel and however many messages at once."""

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.services import Services
from tests.integration.tenant import Tenant, chat, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]

EVERYONE = (
    "SELECT type, value, contact_id, is_primary FROM contact_identities WHERE project_id = %s ORDER BY type, value"
)


async def _connected(hub: Services) -> None:
    async with hub.postgres.transaction() as transaction:
        await transaction.one("SELECT pg_sleep(0.5)")


async def contact_of(tenant: Tenant, channel: Any, message: dict[str, Any]) -> UUID:
    contact: UUID = (await tenant.deliver(channel, message))["contact_id"]
    return contact


async def test_fifty_first_mails_of_one_person_at_once_make_one_contact(tenant: Tenant) -> None:
    works = [await tenant.keep("email", mail(sender="Ada <ada@example.com>")) for _ in range(50)]
    hub = tenant.services(POSTGRES_POOL_SIZE="25")
    # Connections first, else each would open when the one before has made the contact.
    await asyncio.gather(*(_connected(hub) for _ in range(25)))
    await asyncio.gather(*(hub.store.store(work) for work in works))
    assert tenant.count("interactions") == 50
    assert tenant.count("contacts") == 1
    assert tenant.count("contact_identities") == 1


async def test_fifty_first_chats_that_share_an_address_crosswise_come_to_an_end(tenant: Tenant) -> None:
    addresses = [f"{name}@example.com" for name in "abcde"]
    phones = [f"+4420794601{number:02}" for number in range(5)]
    works = [
        await tenant.keep("chat", chat(email=addresses[n % 5], phone=phones[n // 5 % 5], clientId=f"c{n % 7}"))
        for n in range(50)
    ]
    await asyncio.gather(*(tenant.hub.store.store(work) for work in works))
    assert tenant.count("interactions") == 50
    owners = {row["value"]: row["contact_id"] for row in tenant.rows(EVERYONE, tenant.id)}
    assert len(owners) == 5 + 5 + 7


async def test_mail_and_chat_with_one_address_are_one_contact(tenant: Tenant) -> None:
    by_mail = await contact_of(tenant, "email", mail(sender="Ada <Ada@Example.com>"))
    by_chat = await contact_of(tenant, "chat", chat(email="ada@EXAMPLE.com"))
    assert by_mail == by_chat


async def test_an_anonymous_client_that_says_its_address_later_keeps_its_contact(tenant: Tenant) -> None:
    anonymous = await contact_of(tenant, "chat", chat(clientId="w1"))
    named = await contact_of(tenant, "chat", chat(clientId="w1", email="ada@example.com", name="Ada"))
    by_mail = await contact_of(tenant, "email", mail(sender="ada@example.com"))
    assert anonymous == named == by_mail
    row = tenant.one("SELECT display_name FROM contacts WHERE id = %s", anonymous)
    assert row == {"display_name": "Ada"}


async def test_an_address_of_another_contact_stays_there(tenant: Tenant) -> None:
    ada = await contact_of(tenant, "email", mail(sender="ada@example.com"))
    client = await contact_of(tenant, "chat", chat(clientId="w1"))
    both = await contact_of(tenant, "chat", chat(clientId="w1", email="ada@example.com"))
    assert ada != client
    assert both == ada
    owners = {row["type"]: row["contact_id"] for row in tenant.rows(EVERYONE, tenant.id)}
    assert owners == {"email": ada, "chat": client}


async def test_a_phone_number_is_known_across_clients(tenant: Tenant) -> None:
    first = await contact_of(tenant, "chat", chat(phone="+44 20 7946 0123"))
    second = await contact_of(tenant, "chat", chat(phone="+44 (20) 7946-0123"))
    assert first == second


async def test_the_same_client_id_of_another_project_is_someone_else(tenant: Tenant, other_tenant: Tenant) -> None:
    ours = await contact_of(tenant, "chat", chat(clientId="w"))
    theirs = await contact_of(other_tenant, "chat", chat(clientId="w"))
    assert ours != theirs


async def test_the_contact_of_an_outgoing_mail_is_its_first_recipient(tenant: Tenant) -> None:
    outgoing = mail(sender="shop@example.org", to=["Ada <ada@example.com>", "bo@example.com"], direction="outbound")
    row = await tenant.deliver("email", outgoing)
    answered = await contact_of(tenant, "email", mail(sender="ada@example.com"))
    assert row["contact_id"] == answered
    assert row["direction"] == "outbound"
    assert [each["value"] for each in tenant.rows(EVERYONE, tenant.id)] == ["ada@example.com"]


async def test_the_contact_of_an_outgoing_chat_is_its_client(tenant: Tenant) -> None:
    inbound = await contact_of(tenant, "chat", chat(clientId="w1"))
    outbound = await contact_of(tenant, "chat", chat(clientId="w1", direction="outbound"))
    assert inbound == outbound


async def test_the_first_address_of_a_kind_is_the_primary_one(tenant: Tenant) -> None:
    for address in ("first@example.com", "second@example.com"):
        await tenant.deliver("chat", chat(clientId="w1", email=address))
    primary = {row["value"]: row["is_primary"] for row in tenant.rows(EVERYONE, tenant.id) if row["type"] == "email"}
    assert primary == {"first@example.com": True, "second@example.com": False}


async def test_a_name_is_filled_in_and_never_overwritten(tenant: Tenant) -> None:
    for sender in ("ada@example.com", "Ada <ada@example.com>", "Someone Else <ada@example.com>"):
        await tenant.deliver("email", mail(sender=sender))
    assert tenant.rows("SELECT display_name FROM contacts WHERE project_id = %s", tenant.id) == [
        {"display_name": "Ada"}
    ]


async def test_the_last_interaction_only_moves_forward(tenant: Tenant) -> None:
    late = await tenant.deliver("email", mail(sender="ada@example.com"))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    earlier = mail(sender="ada@example.com", sentAt=long_ago.isoformat())
    early = await tenant.deliver("email", earlier, received_at=long_ago)
    row = tenant.one("SELECT last_interaction_at FROM contacts WHERE id = %s", late["contact_id"])
    assert early["timestamp"] < late["timestamp"]
    assert row == {"last_interaction_at": late["timestamp"]}


async def test_messages_of_a_merged_contact_go_to_who_it_was_merged_into(tenant: Tenant) -> None:
    ada = await contact_of(tenant, "email", mail(sender="ada@example.com"))
    old = await contact_of(tenant, "email", mail(sender="ada@old.example"))
    tenant.rows("UPDATE contacts SET merged_into = %s WHERE id = %s", ada, old)
    assert await contact_of(tenant, "email", mail(sender="ada@old.example")) == ada


async def test_contact_ids_say_nothing_of_addresses(tenant: Tenant, other_tenant: Tenant) -> None:
    address = f"{secrets.token_hex(4)}@example.com"
    contacts = [await contact_of(each, "email", mail(sender=address)) for each in (tenant, other_tenant)]
    assert [contact.version for contact in contacts] == [4, 4]
    assert contacts[0] != contacts[1]
