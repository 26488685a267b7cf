"""reconcile_stores: what differs is found and repaired from Cosmos DB, and nothing else is touched."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

from shared.identifiers import InteractionId
from shared.stores.cosmos import Document
from tests.integration.reconcile_place import Stores, ids

pytest_plugins = ["tests.integration.reading_fixtures", "tests.integration.reconcile_fixtures"]


async def test_a_thousand_planted_differences_of_six_kinds_are_found_and_no_other(stores: Stores) -> None:
    written = await stores.fill(1200)
    parts: Iterator[Document] = iter(written)
    missing_row, missing_document, content, metadata, older, document_deleted, row_deleted = (
        [next(parts) for _ in range(size)] for size in (167, 167, 167, 167, 166, 83, 83)
    )
    stores.sql("DELETE FROM interactions", missing_row)
    await stores.remove(missing_document)
    stores.sql("UPDATE interactions SET content = 'called never'", content)
    stores.sql("""UPDATE interactions SET metadata = '{"source": ["crm"]}'""", metadata)
    await stores.change(older, content="called again")
    await stores.change(document_deleted, content="", metadata={}, deleted=True)
    stores.sql("UPDATE interactions SET deleted_at = now()", row_deleted)

    run = await stores.reconciler(refuse_share=1.0).run()

    assert stores.findings() == {
        "missing_row": ids(missing_row),
        "absent_in_cosmos": ids(missing_document),
        "other_content": ids(content),
        "other_metadata": ids(metadata),
        "older_version": ids(older),
        "deleted_on_one_side": ids(document_deleted) | ids(row_deleted),
    }
    assert stores.findings(still_open=True) == {"absent_in_cosmos": ids(missing_document)}
    assert not stores.tally(run).refused
    stores.sql("DELETE FROM interactions", missing_document)
    await stores.agree()


async def test_a_repair_done_again_changes_nothing(stores: Stores) -> None:
    written = await stores.fill(10)
    stores.sql("UPDATE interactions SET type = 'call'", written[:3])
    first = await stores.reconciler().run()
    before = stores.place.rows("SELECT * FROM interactions ORDER BY id")
    second = await stores.reconciler().run()
    assert (stores.tally(first).differing, stores.tally(first).repaired) == (3, 3)
    assert (stores.tally(second).differing, stores.tally(second).repaired) == (0, 0)
    assert stores.place.rows("SELECT * FROM interactions ORDER BY id") == before
    assert stores.findings() == {"other_fields": ids(written[:3])}


async def test_a_run_is_one_row_of_its_project_that_says_what_it_came_to(stores: Stores) -> None:
    written = await stores.fill(30)
    stores.sql("DELETE FROM interactions", written[:2])
    await stores.remove(written[2:3])
    reconciler = stores.reconciler()
    await reconciler.run()
    (row,) = stores.place.rows("SELECT * FROM reconciliations")
    assert row["project_id"] == stores.place.id
    assert row["started_at"] == row["finished_at"] == reconciler.clock.now()
    # What changed lately is compared as that, too: there the two rows that were missing were met first.
    assert (row["compared"], row["differing"], row["repaired"]) == (29 + 30, 2 + 1, 2)
    assert (row["waiting"], row["refused"]) == (0, False)


async def test_a_row_whose_document_is_gone_is_reported_and_never_deleted(stores: Stores) -> None:
    gone, *_ = await stores.fill(40)
    await stores.remove([gone])
    before = stores.place.interaction(gone["id"])
    for _ in range(2):
        await stores.reconciler().run()
        assert stores.findings(still_open=True) == {"absent_in_cosmos": {gone["id"]}}
    assert stores.place.interaction(gone["id"]) == before


async def test_a_finding_is_closed_when_the_operator_deletes_the_interaction(stores: Stores) -> None:
    gone, *_ = await stores.fill(2)
    await stores.remove([gone])
    await stores.reconciler().run()
    await stores.place.hub.deletion.delete(stores.place.id, InteractionId(uuid.UUID(gone["id"])))
    await stores.reconciler().run()
    assert stores.findings(still_open=True) == {}
    await stores.agree()


async def test_a_finding_is_closed_when_its_document_is_written_again(stores: Stores) -> None:
    gone, *_ = await stores.fill(2)
    await stores.remove([gone])
    await stores.reconciler().run()
    assert stores.findings(still_open=True) == {"absent_in_cosmos": {gone["id"]}}
    await stores.write([gone])
    await stores.reconciler().run()
    await stores.reconciler(ahead=11).run()
    assert stores.findings(still_open=True) == {}
    await stores.agree()


async def test_a_deleted_row_needs_no_document_because_tombstones_expire(stores: Stores) -> None:
    (written,) = await stores.fill(1)
    await stores.place.hub.deletion.delete(stores.place.id, InteractionId(uuid.UUID(written["id"])))
    await stores.remove([written])
    await stores.fill(1)
    run = await stores.reconciler().run()
    assert (stores.tally(run).differing, stores.findings()) == (0, {})


async def test_a_young_document_waits_for_the_readers_of_the_feed(stores: Stores) -> None:
    await stores.fill(1)
    await stores.write([stores.place.document()])
    run = await stores.reconciler(ahead=0, young=timedelta(minutes=5)).run()
    assert (stores.tally(run).waiting, stores.tally(run).differing) == (1, 0)
    run = await stores.reconciler(ahead=301, young=timedelta(minutes=5)).run()
    assert stores.tally(run).repaired == 1


async def test_a_row_that_cosmos_db_has_yet_to_confirm_waits(stores: Stores) -> None:
    await stores.fill(1)
    row = await stores.place.store(publish=False)
    run = await stores.reconciler().run()
    assert (stores.tally(run).waiting, stores.tally(run).differing) == (1, 0)
    await stores.reconciler(ahead=3601).run()
    assert stores.findings(still_open=True) == {"absent_in_cosmos": {str(row["id"])}}


async def test_a_confirmation_that_never_came_is_made_up_for(stores: Stores) -> None:
    row = await stores.place.store()
    run = await stores.reconciler().run()
    assert stores.tally(run).repaired == 1
    assert stores.findings() == {"older_version": {str(row["id"])}}
    assert stores.place.interaction(row["id"])["source_version"] > 0


async def test_everything_is_compared_in_time_however_little_a_run_may_do(stores: Stores) -> None:
    written = await stores.fill(60)
    await stores.reconciler().run()
    stores.sql("UPDATE interactions SET content = 'another'", written[:15])
    compared = []
    while len(stores.findings().get("other_content", ())) < 15:
        run = await stores.reconciler(window=5, page=3, documents_a_run=5).run()
        compared.append(run.compared)
    assert len(compared) > 3
    assert sum(compared) <= 80
    assert stores.findings(still_open=True) == {}
    await stores.agree()


async def test_a_document_that_names_another_project_is_reported_and_its_row_stays(
    stores: Stores,
) -> None:
    (moved,) = await stores.fill(1)
    other = uuid.uuid4()
    stores.place.rows("INSERT INTO projects (id, name, system_user_id) VALUES (%s, 'another', %s)", other, uuid.uuid4())
    await stores.change([moved], projectId=str(other))
    await stores.reconciler().run()
    assert stores.findings(still_open=True) == {"another_project": {moved["id"]}}
    rows = stores.place.rows("SELECT project_id FROM interactions WHERE id = %s", moved["id"])
    assert {row["project_id"] for row in rows} == {stores.place.id, other}

    await stores.place.hub.deletion.delete(stores.place.id, InteractionId(uuid.UUID(moved["id"])))
    await stores.reconciler().run()
    assert stores.findings(still_open=True) == {}


async def test_the_project_that_an_organization_names_is_compared_too(stores: Stores) -> None:
    document = stores.place.document(organizationId=str(stores.place.id), projectId=None)
    await stores.write([document])
    run = await stores.reconciler().run()
    assert stores.tally(run).repaired == 1
    assert stores.place.interaction(document["id"])["content"] == "called back"


async def test_a_document_that_can_not_be_applied_gets_the_dead_letter_it_lost_and_no_second(stores: Stores) -> None:
    owner, *_ = await stores.fill(1)
    unreadable = stores.place.document(type="")
    thief = owner | {"contactId": str(uuid.uuid4()), "content": "mine now"}
    orphan = stores.place.document(projectId=str(uuid.uuid4()))
    await stores.write([unreadable, thief, orphan])
    for _ in range(3):
        await stores.reconciler().run()
        stores.place.rows("UPDATE dead_letters SET state = 'discarded'")
        letters = stores.place.rows("SELECT payload->>'id' AS id, seen FROM dead_letters")
        assert {(row["id"], row["seen"]) for row in letters} == {
            (unreadable["id"], 1),
            (owner["id"], 1),
            (orphan["id"], 1),
        }
    assert stores.findings() == {}
    assert stores.place.interaction(owner["id"])["content"] == "called back"


async def test_what_is_old_is_forgotten(stores: Stores) -> None:
    written = await stores.fill(3)
    stores.sql("UPDATE interactions SET content = 'another'", written[:1])
    await stores.remove(written[1:2])
    await stores.reconciler().run()
    await stores.reconciler(ahead=40 * 86_400).run()
    assert stores.findings() == {"absent_in_cosmos": {written[1]["id"]}}
    assert len(stores.place.rows("SELECT 1 FROM reconciliations")) == 1
