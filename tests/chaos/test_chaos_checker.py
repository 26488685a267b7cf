"""The checker finds every fault that is planted, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import KINDS, Held, Sent, Snapshot, problems

OURS, THEIRS = "project-1", "project-2"


def sent() -> list[Sent]:
    return [Sent(OURS, "a", acked=True, files=1), Sent(OURS, "b", acked=False), Sent(THEIRS, "c", acked=True)]


def held(project: str, token: str) -> Held:
    return Held(project, token, f"id-{token}", f"contact-{token}", f"text {token}", f"etag-{token}")


def sound() -> Snapshot:
    """The stores after a run without faults; `b` was never acknowledged and is nowhere."""
    messages = [held(OURS, "a"), held(THEIRS, "c")]
    rows = [replace(messages[0], files=1), messages[1]]
    contacts = [(each.project, each.contact) for each in messages]
    return Snapshot([(OURS, "a", "d1"), (THEIRS, "c", "d2")], rows, messages, contacts)


def raw_gone(stores: Snapshot) -> None:
    del stores.raw[0]


def row_gone(stores: Snapshot) -> None:
    del stores.rows[0]


def document_gone(stores: Snapshot) -> None:
    del stores.documents[0]


def analysis_gone(stores: Snapshot) -> None:
    stores.rows[0] = replace(stores.rows[0], analyses=0)


def embedding_gone(stores: Snapshot) -> None:
    stores.documents[0] = replace(stores.documents[0], analyses=0)


def file_gone(stores: Snapshot) -> None:
    stores.rows[0] = replace(stores.rows[0], files=0)


def file_not_looked_at(stores: Snapshot) -> None:
    stores.rows[0] = replace(stores.rows[0], unseen=1)


def kept_and_not_stored(stores: Snapshot) -> None:
    stores.raw.append((OURS, "b", "d3"))


def row_of_nobody(stores: Snapshot) -> None:
    stores.rows.append(held(OURS, "z"))


def document_of_nobody(stores: Snapshot) -> None:
    stores.documents.append(held(OURS, "z"))


def raw_of_nobody(stores: Snapshot) -> None:
    stores.raw.append((OURS, None, "d9"))


def contact_of_nobody(stores: Snapshot) -> None:
    stores.contacts.append((OURS, "contact-z"))


def row_twice(stores: Snapshot) -> None:
    stores.rows.append(replace(stores.rows[0], id="another"))


def document_twice(stores: Snapshot) -> None:
    stores.documents.append(replace(stores.documents[0], contact="another"))


def delivery_twice(stores: Snapshot) -> None:
    stores.raw.append((OURS, "a", "another"))


def analysed_twice(stores: Snapshot) -> None:
    stores.rows[0] = replace(stores.rows[0], analyses=2)


def file_twice(stores: Snapshot) -> None:
    stores.rows[0] = replace(stores.rows[0], files=2)


def older_version(stores: Snapshot) -> None:
    stores.rows[0] = replace(stores.rows[0], etag="older")


def other_content(stores: Snapshot) -> None:
    stores.documents[0] = replace(stores.documents[0], content="text a, changed")


def row_of_another_project(stores: Snapshot) -> None:
    stores.rows.append(held(THEIRS, "a"))


def document_of_another_project(stores: Snapshot) -> None:
    stores.documents.append(held(THEIRS, "a"))


def left_over(stores: Snapshot) -> None:
    stores.open_work.append("1 messages in inbound-messages")


PLANTED: list[tuple[Callable[[Snapshot], None], str]] = [
    (raw_gone, "lost"),
    (row_gone, "lost"),
    (document_gone, "lost"),
    (analysis_gone, "lost"),
    (embedding_gone, "lost"),
    (file_gone, "lost"),
    (file_not_looked_at, "lost"),
    (kept_and_not_stored, "lost"),
    (row_of_nobody, "phantom"),
    (document_of_nobody, "phantom"),
    (raw_of_nobody, "phantom"),
    (contact_of_nobody, "phantom"),
    (row_twice, "duplicate"),
    (document_twice, "duplicate"),
    (delivery_twice, "duplicate"),
    (analysed_twice, "duplicate"),
    (file_twice, "duplicate"),
    (older_version, "stale"),
    (other_content, "stale"),
    (row_of_another_project, "cross-tenant"),
    (document_of_another_project, "cross-tenant"),
    (left_over, "stuck"),
]


def test_nothing_is_wrong_with_sound_stores() -> None:
    assert problems(sent(), sound()) == []


def test_the_same_delivery_kept_in_two_hours_is_no_fault() -> None:
    stores = sound()
    stores.raw.append(stores.raw[0])
    assert problems(sent(), stores) == []


@pytest.mark.parametrize(("plant", "kind"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_a_planted_fault_is_found(plant: Callable[[Snapshot], None], kind: str) -> None:
    stores = sound()
    plant(stores)
    assert kind in {problem.kind for problem in problems(sent(), stores)}


def test_a_fault_of_every_kind_is_planted() -> None:
    assert {kind for _, kind in PLANTED} == set(KINDS)
