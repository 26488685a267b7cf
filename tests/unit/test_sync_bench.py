from collections import Counter
from itertools import product, starmap

import pytest

from bench.figures import paired_ratio
from bench.sync import EXISTING, KINDS, MAIN, PROJECTS, SIZES, Cell, Found, compare
from bench.sync_documents import EPOCH, ROWS_A_CONTACT, History, Kind, identifier
from shared.sync.changes import Change, read_change


def history(rows: int = 10_000, projects: int = 3) -> History:
    return History(rows, projects, rows // ROWS_A_CONTACT)


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("insert", {3600: 1000}),
        ("mixed", {3600: 500, 60: 400, 0: 50, -60: 50}),
        ("stale", {0: 500, -60: 500}),
    ],
)
def test_a_batch_has_its_shares_of_new_newer_and_stale(kind: Kind, times: dict[int, int]) -> None:
    documents = history().batch(kind, 1000)
    assert Counter(document["_ts"] - EPOCH for document in documents) == times
    assert len({document["id"] for document in documents}) == 1000


def test_every_document_is_one_that_sync_takes() -> None:
    for document in history().batch("mixed", 200):
        assert isinstance(read_change(document), Change)


def test_a_row_is_spoken_of_once() -> None:
    made = history(rows=2000)
    spoken = [document["id"] for _ in range(10) for document in made.batch("stale", 200)]
    assert len(set(spoken)) == 2000


def test_new_rows_come_four_of_a_contact_and_one_contact_in_five_is_new() -> None:
    made = history()
    contacts = Counter(document["contactId"] for document in made.batch("insert", 1000))
    known = {str(identifier("c", number)) for number in range(made.contacts)}
    assert min(contacts.values()) >= 4
    assert sum(contact not in known for contact in contacts) == 50


def test_ratios_are_those_of_the_rounds_and_growth_is_of_the_cost() -> None:
    found = Found(same=[10.0, 20.0], bare=[20.0, 80.0], wal=0.0)
    for cell in starmap(Cell, product(KINDS, SIZES, EXISTING, PROJECTS)):
        found.cells[cell] = [16.0, 24.0] if cell.existing == "0" else [8.0, 12.0]
    numbers = compare(found).numbers()
    assert numbers["mixed_1000_1m_vs_same_table_copy"] == round(paired_ratio(found.cells[MAIN], found.same), 4)
    assert numbers["mixed_1000_1m_vs_copy"] == 0.275
    assert numbers["growth_0_to_1m"] == 2.0
    assert numbers["stale_wal_bytes_per_row"] == 0.0
    assert numbers["sync_stale_100_1m_300p_rows_per_second"] == 10.0
