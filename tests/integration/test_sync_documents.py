"""What becomes of documents that other services write: order, tenants, contacts."""

import asyncio
import time
import uuid
from datetime import UTC, datetime

from tests.integration.tenant import Document, Tenant

pytest_plugins = ["tests.integration.tenant_fixtures"]


async def same_second(tenant: Tenant, *documents: Document) -> list[Document]:
    """Write these one after the other within one second of the store's clock."""
    while True:
        await asyncio.sleep(1.01 - time.time() % 1)
        written = [await tenant.write(document) for document in documents]
        if len({each["_ts"] for each in written}) == 1:
            return written


async def seconds_apart(tenant: Tenant, *documents: Document) -> list[Document]:
    written = []
    for document in documents:
        written.append(await tenant.write(document))
        await asyncio.sleep(1.01 - time.time() % 1)
    return written


async def test_a_document_arrives_field_by_field(tenant: Tenant) -> None:
    agent, organization = str(uuid.uuid4()), str(uuid.uuid4())
    document = tenant.document(
        agentId=agent,
        organizationId=organization,
        type="call",
        content="Ünïcode ☎ 日本 𝄞 \\u0000 as six characters",
        timestamp="2024-05-28T10:20:30.123456Z",
        metadata={"confidence": "high", "nested": [1, 2.5, None, {"ключ": True}]},
    )
    applied = await tenant.hub.sync.apply_changes([await tenant.write(document)])
    row = tenant.interaction(document["id"])
    assert (applied.written, applied.settled, applied.dead) == (1, 0, 0)
    assert str(row["agent_id"]) == agent
    assert str(row["contact_id"]) == document["contactId"]
    assert str(row["organization_id"]) == organization
    assert row["type"] == "call"
    assert row["content"] == document["content"]
    assert row["timestamp"] == datetime(2024, 5, 28, 10, 20, 30, 123456, UTC)
    assert row["metadata"] == document["metadata"]
    assert row["deleted_at"] is None


async def test_an_older_version_never_overwrites_a_newer(tenant: Tenant) -> None:
    document = tenant.document()
    old, new = await seconds_apart(tenant, document, document | {"content": "newer"})
    await tenant.hub.sync.apply_changes([new])
    applied = await tenant.hub.sync.apply_changes([old])
    assert (applied.written, applied.settled) == (0, 0)
    assert tenant.interaction(document["id"])["content"] == "newer"


async def test_the_same_version_twice_changes_nothing(tenant: Tenant) -> None:
    written = await tenant.write(tenant.document())
    await tenant.hub.sync.apply_changes([written])
    row = tenant.interaction(written["id"])
    again = await tenant.hub.sync.apply_changes([written, written])
    assert (again.written, again.settled, again.dead) == (0, 0, 0)
    assert tenant.interaction(written["id"]) == row


async def test_a_writer_who_drops_the_version_within_the_same_second_still_arrives(tenant: Tenant) -> None:
    document = tenant.document()
    version = int((time.time() + 1) * 1_000_000)
    ours, foreign = await same_second(tenant, document | {"version": version}, document | {"content": "foreign"})
    for order in ([ours, foreign], [foreign, ours]):
        tenant.rows("DELETE FROM interactions WHERE id = %s", document["id"])
        for each in order:
            await tenant.hub.sync.apply_changes([each])
        assert tenant.interaction(document["id"])["content"] == "foreign"


async def test_two_versions_of_one_second_in_one_batch_are_settled_by_reading(tenant: Tenant) -> None:
    document = tenant.document()
    version = int((time.time() + 1) * 1_000_000)
    ours, foreign = await same_second(tenant, document | {"version": version}, document | {"content": "foreign"})
    for batch in ([ours, foreign], [foreign, ours], [foreign, ours, foreign, ours]):
        tenant.rows("DELETE FROM interactions WHERE id = %s", document["id"])
        applied = await tenant.hub.sync.apply_changes(batch)
        assert applied.settled == 1
        assert tenant.interaction(document["id"])["content"] == "foreign"


async def test_a_writer_who_keeps_the_version_arrives(tenant: Tenant) -> None:
    document = tenant.document(version=int(time.time() * 1_000_000))
    ours, foreign = await seconds_apart(tenant, document, document | {"content": "foreign"})
    await tenant.hub.sync.apply_changes([ours])
    applied = await tenant.hub.sync.apply_changes([foreign])
    assert (applied.written, applied.settled) == (1, 0)
    assert tenant.interaction(document["id"])["content"] == "foreign"


async def test_a_version_from_a_clock_that_runs_ahead_holds_nothing_back(tenant: Tenant) -> None:
    document = tenant.document()
    ahead, later = await seconds_apart(tenant, document | {"version": 2**62}, document | {"content": "later"})
    for order in ([ahead, later], [later, ahead]):
        tenant.rows("DELETE FROM interactions WHERE id = %s", document["id"])
        for each in order:
            await tenant.hub.sync.apply_changes([each])
        assert tenant.interaction(document["id"])["content"] == "later"


async def test_settling_follows_a_document_that_is_gone_by_changing_nothing(tenant: Tenant) -> None:
    document = tenant.document()
    first, second = await same_second(tenant, document, document | {"content": "second"})
    await tenant.hub.sync.apply_changes([first])
    await tenant.container.delete_item(document["id"], partition_key=document["contactId"])
    applied = await tenant.hub.sync.apply_changes([second])
    assert applied.settled == 0
    assert tenant.interaction(document["id"])["content"] == "called back"


async def test_settling_never_takes_a_document_over_to_another_project(tenant: Tenant, other_tenant: Tenant) -> None:
    document = tenant.document()
    first, moved = await same_second(
        tenant, document, document | {"projectId": str(other_tenant.id), "content": "mine"}
    )
    await tenant.hub.sync.apply_changes([first])
    late = first | {"_etag": "another"}
    assert (await tenant.hub.sync.apply_changes([late])).settled == 0
    await tenant.hub.sync.apply_changes([moved])
    assert tenant.interaction(document["id"])["content"] == "called back"
    assert other_tenant.interaction(document["id"])["content"] == "mine"


async def test_an_unknown_contact_becomes_a_placeholder(tenant: Tenant) -> None:
    document = tenant.document(timestamp="2024-05-28T10:20:30Z")
    await tenant.hub.sync.apply_changes([await tenant.write(document)])
    contact = tenant.one("SELECT * FROM contacts WHERE project_id = %s AND id = %s", tenant.id, document["contactId"])
    assert contact["origin"] == "sync"
    assert contact["display_name"] is None
    assert contact["last_interaction_at"] == datetime(2024, 5, 28, 10, 20, 30, tzinfo=UTC)


async def test_a_known_contact_stays_as_it_is_but_for_its_last_interaction(tenant: Tenant) -> None:
    stored = await tenant.store()
    latest = datetime(2090, 1, 1, tzinfo=UTC)
    for moment in (latest.isoformat(), "2001-01-01T00:00:00Z"):
        document = tenant.document(contactId=str(stored["contact_id"]), timestamp=moment)
        await tenant.hub.sync.apply_changes([await tenant.write(document)])
    contact = tenant.one("SELECT * FROM contacts WHERE project_id = %s AND id = %s", tenant.id, stored["contact_id"])
    assert (contact["origin"], contact["display_name"]) == ("message", "Ada")
    assert contact["last_interaction_at"] == latest


async def test_a_stale_version_does_not_move_the_last_interaction(tenant: Tenant) -> None:
    document = tenant.document(timestamp="2024-05-28T10:20:30Z")
    wrong, right = await seconds_apart(tenant, document | {"timestamp": "2090-01-01T00:00:00Z"}, document)
    await tenant.hub.sync.apply_changes([right])
    await tenant.hub.sync.apply_changes([wrong])
    contact = tenant.one("SELECT * FROM contacts WHERE id = %s", document["contactId"])
    assert contact["last_interaction_at"] == datetime(2024, 5, 28, 10, 20, 30, tzinfo=UTC)


async def test_an_organization_that_names_a_project_is_the_tenant(tenant: Tenant) -> None:
    document = tenant.document(organizationId=str(tenant.id))
    del document["projectId"]
    await tenant.hub.sync.apply_changes([await tenant.write(document)])
    assert tenant.interaction(document["id"])["content"] == "called back"


async def test_a_document_of_no_project_is_a_dead_letter_of_no_project(tenant: Tenant) -> None:
    document = tenant.document(projectId=str(uuid.uuid4()), organizationId=str(uuid.uuid4()))
    applied = await tenant.hub.sync.apply_changes([await tenant.write(document)])
    (letter,) = tenant.dead_letters(document["id"])
    assert (applied.written, applied.dead) == (0, 1)
    assert letter["project_id"] is None
    assert letter["reason"] == "neither projectId nor organizationId names a project"
    assert not tenant.rows("SELECT 1 FROM interactions WHERE id = %s", document["id"])


async def test_an_id_that_is_another_contacts_interaction_is_a_dead_letter(tenant: Tenant) -> None:
    document = tenant.document()
    await tenant.hub.sync.apply_changes([await tenant.write(document)])
    thief = document | {"contactId": str(uuid.uuid4()), "content": "mine now"}
    applied = await tenant.hub.sync.apply_changes([await tenant.write(thief)])
    (letter,) = tenant.dead_letters(document["id"])
    assert (applied.written, applied.dead) == (0, 1)
    assert letter["project_id"] == tenant.id
    assert letter["reason"].startswith("contactId: ")
    assert tenant.interaction(document["id"])["content"] == "called back"
    assert not tenant.rows("SELECT 1 FROM contacts WHERE id = %s", thief["contactId"])


async def test_the_owner_of_an_id_is_served_beside_those_who_take_it(tenant: Tenant) -> None:
    contacts = sorted(str(uuid.uuid4()) for _ in range(3))
    owner = tenant.document(contactId=contacts[1])
    await tenant.hub.sync.apply_changes((await seconds_apart(tenant, owner))[:1])
    batch = [await tenant.write(owner | {"contactId": contact, "content": contact}) for contact in contacts]
    applied = await tenant.hub.sync.apply_changes(batch)
    assert tenant.interaction(owner["id"])["content"] == contacts[1]
    assert (applied.written, applied.dead) == (1, 2)
    assert {letter["payload"]["contactId"] for letter in tenant.dead_letters(owner["id"])} == {contacts[0], contacts[2]}


async def test_one_batch_may_hold_several_projects(tenant: Tenant, other_tenant: Tenant) -> None:
    same = str(uuid.uuid4())
    batch = [
        await tenant.write(each.document(content=f"of {each.id}", **ids))
        for ids in ({"id": same}, {}, {})
        for each in (tenant, other_tenant)
    ]
    applied = await tenant.hub.sync.apply_changes(batch)
    assert applied.written == len(batch)
    for document in batch:
        owner = tenant if document["projectId"] == str(tenant.id) else other_tenant
        assert owner.interaction(document["id"])["content"] == f"of {owner.id}"


async def test_batches_that_overlap_in_any_order_at_the_same_time_both_arrive(tenant: Tenant) -> None:
    documents = [await tenant.write(tenant.document()) for _ in range(12)]
    await asyncio.gather(*(tenant.hub.sync.apply_changes(batch) for batch in (documents, documents[::-1]) * 3))
    stored = {str(row["id"]) for row in tenant.rows("SELECT id FROM interactions WHERE project_id = %s", tenant.id)}
    assert stored == {document["id"] for document in documents}


async def test_an_empty_batch_is_fine(tenant: Tenant) -> None:
    applied = await tenant.hub.sync.apply_changes([])
    assert (applied.written, applied.settled, applied.dead) == (0, 0, 0)
