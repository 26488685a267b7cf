"""What becomes of documents that other services write: order, tenants, contacts."""

import asyncio
import time
import uuid
from datetime import UTC, datetime

import pytest

from tests.integration.shop import Document, Shop

pytest_plugins = ["tests.integration.shop_fixtures"]


async def same_second(shop: Shop, *documents: Document) -> list[Document]:
    """Write these one after the other within one second of the store's clock."""
    while True:
        await asyncio.sleep(1.01 - time.time() % 1)
        written = [await shop.write(document) for document in documents]
        if len({each["_ts"] for each in written}) == 1:
            return written


async def seconds_apart(shop: Shop, *documents: Document) -> list[Document]:
    written = []
    for document in documents:
        written.append(await shop.write(document))
        await asyncio.sleep(1.01 - time.time() % 1)
    return written


async def test_a_document_arrives_field_by_field(shop: Shop) -> None:
    agent, organization = str(uuid.uuid4()), str(uuid.uuid4())
    document = shop.document(
        agentId=agent,
        organizationId=organization,
        type="call",
        content="Ünïcode ☎ 日本 𝄞 \\u0000 as six characters",
        timestamp="2024-05-28T10:20:30.123456Z",
        metadata={"confidence": "high", "nested": [1, 2.5, None, {"ключ": True}]},
    )
    applied = await shop.hub.sync.apply_changes([await shop.write(document)])
    row = shop.interaction(document["id"])
    assert (applied.written, applied.settled, applied.dead) == (1, 0, 0)
    assert str(row["agent_id"]) == agent
    assert str(row["contact_id"]) == document["contactId"]
    assert str(row["organization_id"]) == organization
    assert row["type"] == "call"
    assert row["content"] == document["content"]
    assert row["timestamp"] == datetime(2024, 5, 28, 10, 20, 30, 123456, UTC)
    assert row["metadata"] == document["metadata"]
    assert row["deleted_at"] is None


async def test_an_older_version_never_overwrites_a_newer(shop: Shop) -> None:
    document = shop.document()
    old, new = await seconds_apart(shop, document, document | {"content": "newer"})
    await shop.hub.sync.apply_changes([new])
    applied = await shop.hub.sync.apply_changes([old])
    assert (applied.written, applied.settled) == (0, 0)
    assert shop.interaction(document["id"])["content"] == "newer"


async def test_the_same_version_twice_changes_nothing(shop: Shop) -> None:
    written = await shop.write(shop.document())
    await shop.hub.sync.apply_changes([written])
    row = shop.interaction(written["id"])
    again = await shop.hub.sync.apply_changes([written, written])
    assert (again.written, again.settled, again.dead) == (0, 0, 0)
    assert shop.interaction(written["id"]) == row


async def test_a_writer_who_drops_the_version_within_the_same_second_still_arrives(shop: Shop) -> None:
    document = shop.document()
    version = int((time.time() + 1) * 1_000_000)
    ours, foreign = await same_second(shop, document | {"version": version}, document | {"content": "foreign"})
    for order in ([ours, foreign], [foreign, ours]):
        shop.rows("DELETE FROM interactions WHERE id = %s", document["id"])
        for each in order:
            await shop.hub.sync.apply_changes([each])
        assert shop.interaction(document["id"])["content"] == "foreign"


async def test_two_versions_of_one_second_in_one_batch_are_settled_by_reading(shop: Shop) -> None:
    document = shop.document()
    version = int((time.time() + 1) * 1_000_000)
    ours, foreign = await same_second(shop, document | {"version": version}, document | {"content": "foreign"})
    for batch in ([ours, foreign], [foreign, ours], [foreign, ours, foreign, ours]):
        shop.rows("DELETE FROM interactions WHERE id = %s", document["id"])
        applied = await shop.hub.sync.apply_changes(batch)
        assert applied.settled == 1
        assert shop.interaction(document["id"])["content"] == "foreign"


async def test_two_versions_of_one_second_are_settled_though_one_of_them_is_stored(shop: Shop) -> None:
    stored = await shop.write(shop.document())
    latest = await shop.write(stored | {"content": "latest"})
    latest["_ts"] = stored["_ts"]
    await shop.hub.sync.apply_changes([stored])
    applied = await shop.hub.sync.apply_changes([latest, stored])
    assert applied.settled == 1
    assert shop.interaction(stored["id"])["content"] == "latest"


async def test_a_writer_who_keeps_the_version_arrives(shop: Shop) -> None:
    document = shop.document(version=int(time.time() * 1_000_000))
    ours, foreign = await seconds_apart(shop, document, document | {"content": "foreign"})
    await shop.hub.sync.apply_changes([ours])
    applied = await shop.hub.sync.apply_changes([foreign])
    assert (applied.written, applied.settled) == (1, 0)
    assert shop.interaction(document["id"])["content"] == "foreign"


async def test_a_version_from_a_clock_that_runs_ahead_holds_nothing_back(shop: Shop) -> None:
    document = shop.document()
    ahead, later = await seconds_apart(shop, document | {"version": 2**62}, document | {"content": "later"})
    for order in ([ahead, later], [later, ahead]):
        shop.rows("DELETE FROM interactions WHERE id = %s", document["id"])
        applied = [await shop.hub.sync.apply_changes([each]) for each in order]
        assert [each.settled for each in applied] == [0, 1]
        assert shop.interaction(document["id"])["content"] == "later"


async def test_settling_follows_a_document_that_is_gone_by_changing_nothing(shop: Shop) -> None:
    document = shop.document()
    first, second = await same_second(shop, document, document | {"content": "second"})
    await shop.hub.sync.apply_changes([first])
    await shop.container.delete_item(document["id"], partition_key=document["contactId"])
    applied = await shop.hub.sync.apply_changes([second])
    assert applied.settled == 0
    assert shop.interaction(document["id"])["content"] == "called back"


@pytest.mark.parametrize("keeps_organization", [False, True])
async def test_settling_never_takes_a_document_over_to_another_project(
    shop: Shop, other_shop: Shop, *, keeps_organization: bool
) -> None:
    document = shop.document(organizationId=str(shop.id) if keeps_organization else None)
    first, moved = await same_second(shop, document, document | {"projectId": str(other_shop.id), "content": "mine"})
    await shop.hub.sync.apply_changes([first])
    late = first | {"_etag": "another"}
    assert (await shop.hub.sync.apply_changes([late])).settled == 0
    await shop.hub.sync.apply_changes([moved])
    assert shop.interaction(document["id"])["content"] == "called back"
    assert other_shop.interaction(document["id"])["content"] == "mine"


async def test_an_unknown_contact_becomes_a_placeholder(shop: Shop) -> None:
    document = shop.document(timestamp="2024-05-28T10:20:30Z")
    await shop.hub.sync.apply_changes([await shop.write(document)])
    contact = shop.one("SELECT * FROM contacts WHERE project_id = %s AND id = %s", shop.id, document["contactId"])
    assert contact["origin"] == "sync"
    assert contact["display_name"] is None
    assert contact["last_interaction_at"] == datetime(2024, 5, 28, 10, 20, 30, tzinfo=UTC)


async def test_a_known_contact_stays_as_it_is_but_for_its_last_interaction(shop: Shop) -> None:
    stored = await shop.store()
    latest = datetime(2090, 1, 1, tzinfo=UTC)
    for moment in (latest.isoformat(), "2001-01-01T00:00:00Z"):
        document = shop.document(contactId=str(stored["contact_id"]), timestamp=moment)
        await shop.hub.sync.apply_changes([await shop.write(document)])
    contact = shop.one("SELECT * FROM contacts WHERE project_id = %s AND id = %s", shop.id, stored["contact_id"])
    assert (contact["origin"], contact["display_name"]) == ("message", "Ada")
    assert contact["last_interaction_at"] == latest


async def test_a_stale_version_does_not_move_the_last_interaction(shop: Shop) -> None:
    document = shop.document(timestamp="2024-05-28T10:20:30Z")
    wrong, right = await seconds_apart(shop, document | {"timestamp": "2090-01-01T00:00:00Z"}, document)
    await shop.hub.sync.apply_changes([right])
    await shop.hub.sync.apply_changes([wrong])
    contact = shop.one("SELECT * FROM contacts WHERE id = %s", document["contactId"])
    assert contact["last_interaction_at"] == datetime(2024, 5, 28, 10, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize("contact", ["known", "new"])
async def test_a_version_that_a_reading_overrules_does_not_move_the_last_interaction(shop: Shop, contact: str) -> None:
    document = shop.document(timestamp="2024-05-28T10:20:30Z")
    if contact == "known":
        shop.rows(
            "INSERT INTO contacts (project_id, id, origin) VALUES (%s, %s, 'sync')", shop.id, document["contactId"]
        )
    right = await shop.write(document)
    wrong = right | {"timestamp": "2090-01-01T00:00:00Z", "_etag": '"of the same second"'}
    applied = await shop.hub.sync.apply_changes([right, wrong])
    assert applied.settled == 1
    row = shop.one("SELECT last_interaction_at FROM contacts WHERE id = %s", document["contactId"])
    assert row["last_interaction_at"] == datetime(2024, 5, 28, 10, 20, 30, tzinfo=UTC)


async def test_a_tombstone_that_a_reading_finds_does_not_move_the_last_interaction(shop: Shop) -> None:
    document = shop.document()
    live = await shop.write(document)
    tombstone = await shop.write(document | {"deleted": True, "content": "", "metadata": {}}) | {"_ts": live["_ts"]}
    applied = await shop.hub.sync.apply_changes([tombstone, live])
    assert applied.settled == 1
    row = shop.one("SELECT last_interaction_at FROM contacts WHERE id = %s", document["contactId"])
    assert row["last_interaction_at"] is None


async def test_the_last_interaction_is_found_among_all_statements_of_a_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.sync.batch.PART", 1)
    contact = await shop.contact()
    moments = ["2090-01-03T00:00:00Z", "2090-01-01T00:00:00Z", "2090-01-02T00:00:00Z"]
    documents = [shop.document(contactId=str(contact), timestamp=moment) for moment in moments]
    await shop.hub.sync.apply_changes([await shop.write(document) for document in documents])
    row = shop.one("SELECT last_interaction_at FROM contacts WHERE id = %s", contact)
    assert row["last_interaction_at"] == datetime(2090, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("before", [{"timestamp": "2024-05-01T00:00:00Z"}, {"deleted": True}])
async def test_a_version_that_brings_a_later_interaction_moves_the_last_one(shop: Shop, before: Document) -> None:
    document = shop.document(timestamp="2024-05-28T10:20:30Z")
    first, second = await seconds_apart(shop, document | before, document)
    for written in (first, second):
        await shop.hub.sync.apply_changes([written])
    contact = shop.one("SELECT * FROM contacts WHERE id = %s", document["contactId"])
    assert contact["last_interaction_at"] == datetime(2024, 5, 28, 10, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize("project", [None, str(uuid.UUID(int=9))])
async def test_an_organization_that_names_a_project_is_the_tenant(shop: Shop, project: str | None) -> None:
    document = shop.document(organizationId=str(shop.id), projectId=project)
    await shop.hub.sync.apply_changes([await shop.write(document)])
    assert shop.interaction(document["id"])["content"] == "called back"


async def test_a_document_of_no_project_is_a_dead_letter_of_no_project(shop: Shop) -> None:
    document = shop.document(projectId=str(uuid.uuid4()), organizationId=str(uuid.uuid4()))
    applied = await shop.hub.sync.apply_changes([await shop.write(document)])
    (letter,) = shop.dead_letters(document["id"])
    assert (applied.written, applied.dead) == (0, 1)
    assert letter["project_id"] is None
    assert letter["reason"] == "neither projectId nor organizationId names a project"
    assert not shop.rows("SELECT 1 FROM interactions WHERE id = %s", document["id"])


async def test_a_project_is_known_from_the_moment_it_is_there(shop: Shop) -> None:
    later = uuid.uuid4()
    document = await shop.write(shop.document(projectId=str(later)))
    assert (await shop.hub.sync.apply_changes([document])).dead == 1
    made = "INSERT INTO projects (id, name, system_user_id) VALUES (%s, 'later', %s)"
    shop.rows(made, later, uuid.uuid4())
    assert (await shop.hub.sync.apply_changes([document])).written == 1


async def test_projects_are_told_apart_however_they_are_spelled(shop: Shop) -> None:
    named = [shop.document(projectId=spelled) for spelled in (str(shop.id), str(shop.id).upper(), shop.id.hex)]
    stranger = shop.document(projectId=str(uuid.uuid4()))
    written = [await shop.write(document) for document in (*named, stranger)]
    applied = [await shop.hub.sync.apply_changes(documents) for documents in (written[:1], written, written)]
    assert [each.dead for each in applied] == [0, 1, 1]
    assert len(shop.dead_letters(stranger["id"])) == 1
    assert [shop.interaction(document["id"])["project_id"] for document in named] == [shop.id] * 3


@pytest.mark.parametrize("age", [0, 10])
async def test_an_id_that_is_another_contacts_interaction_is_a_dead_letter(shop: Shop, age: int) -> None:
    document = shop.document()
    await shop.hub.sync.apply_changes([await shop.write(document)])
    thief = await shop.write(document | {"contactId": str(uuid.uuid4()), "content": "mine now"})
    applied = await shop.hub.sync.apply_changes([thief | {"_ts": thief["_ts"] - age}])
    (letter,) = shop.dead_letters(document["id"])
    assert (applied.written, applied.dead) == (0, 1)
    assert letter["project_id"] == shop.id
    assert letter["reason"].startswith("contactId: ")
    assert shop.interaction(document["id"])["content"] == "called back"
    assert not shop.rows("SELECT 1 FROM contacts WHERE id = %s", thief["contactId"])


async def test_the_owner_of_an_id_is_served_beside_those_who_take_it(shop: Shop) -> None:
    contacts = sorted(str(uuid.uuid4()) for _ in range(3))
    owner = shop.document(contactId=contacts[1])
    await shop.hub.sync.apply_changes((await seconds_apart(shop, owner))[:1])
    batch = [await shop.write(owner | {"contactId": contact, "content": contact}) for contact in contacts]
    applied = await shop.hub.sync.apply_changes(batch)
    assert shop.interaction(owner["id"])["content"] == contacts[1]
    assert (applied.written, applied.dead) == (1, 2)
    assert {letter["payload"]["contactId"] for letter in shop.dead_letters(owner["id"])} == {contacts[0], contacts[2]}


async def test_one_batch_may_hold_several_projects(shop: Shop, other_shop: Shop) -> None:
    same = str(uuid.uuid4())
    batch = [
        await shop.write(each.document(content=f"of {each.id}", **ids))
        for ids in ({"id": same}, {}, {})
        for each in (shop, other_shop)
    ]
    applied = await shop.hub.sync.apply_changes(batch)
    assert applied.written == len(batch)
    for document in batch:
        owner = shop if document["projectId"] == str(shop.id) else other_shop
        assert owner.interaction(document["id"])["content"] == f"of {owner.id}"


async def test_batches_that_overlap_in_any_order_at_the_same_time_both_arrive(shop: Shop) -> None:
    documents = [await shop.write(shop.document()) for _ in range(12)]
    await asyncio.gather(*(shop.hub.sync.apply_changes(batch) for batch in (documents, documents[::-1]) * 3))
    stored = {str(row["id"]) for row in shop.rows("SELECT id FROM interactions WHERE project_id = %s", shop.id)}
    assert stored == {document["id"] for document in documents}


async def test_an_empty_batch_is_fine(shop: Shop) -> None:
    applied = await shop.hub.sync.apply_changes([])
    assert (applied.written, applied.settled, applied.dead) == (0, 0, 0)
