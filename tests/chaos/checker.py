"""What is wrong between what was sent and what the three stores hold, when nothing is under way any more."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

KINDS = ("lost", "phantom", "duplicate", "stale", "cross-tenant", "stuck")


class Problem(NamedTuple):
    """One thing that is wrong; `kind` is of KINDS."""

    kind: str
    what: str


@dataclass(frozen=True)
class Sent:
    """A message as its sender knows it. `token` is in its text and in no other; `acked` says it was accepted."""

    project: str
    token: str
    acked: bool
    files: int = 0


@dataclass(frozen=True)
class Held:
    """One message in one store, as far as both can be compared. `files` and `unseen` ones are what Postgres has."""

    project: str
    token: str | None
    id: str
    contact: str
    content: str
    etag: str
    analyses: int = 1
    files: int = 0
    unseen: int = 0


@dataclass
class Snapshot:
    """All three stores: raw deliveries by project and token, rows, documents, contacts; and what is under way."""

    raw: list[tuple[str, str | None, str]] = field(default_factory=list)
    rows: list[Held] = field(default_factory=list)
    documents: list[Held] = field(default_factory=list)
    contacts: list[tuple[str, str]] = field(default_factory=list)
    open_work: list[str] = field(default_factory=list)


def problems(sent: list[Sent], found: Snapshot) -> list[Problem]:
    """Return everything that is wrong; an empty list says that all is well."""
    return [
        *_lost(sent, found),
        *_strangers(sent, found),
        *_doubles(found),
        *_stale(found),
        *(Problem("stuck", work) for work in found.open_work),
    ]


def _lost(sent: list[Sent], found: Snapshot) -> Iterator[Problem]:
    raw = {(project, token) for project, token, _ in found.raw}
    rows = {(held.project, held.token): held for held in found.rows}
    documents = {(held.project, held.token): held for held in found.documents}
    for message in sent:
        key = (message.project, message.token)
        # What was not acknowledged may be gone without a trace, but not in part.
        if not message.acked and key not in raw:
            continue
        for store, there in (("Blob", raw), ("Postgres", rows), ("Cosmos DB", documents)):
            if key not in there:
                yield Problem("lost", f"{message.token} is not in {store}")
        for store, held in (("Postgres", rows.get(key)), ("Cosmos DB", documents.get(key))):
            if held and held.analyses == 0:
                yield Problem("lost", f"the analysis of {message.token} is not in {store}")
        yield from _files(message, rows.get(key))


def _files(message: Sent, held: Held | None) -> Iterator[Problem]:
    if held and held.files != message.files:
        kind = "lost" if held.files < message.files else "duplicate"
        yield Problem(kind, f"{message.token} came with {message.files} files and has {held.files}")
    if held and held.unseen:
        yield Problem("lost", f"the analysis of {held.unseen} files of {message.token} is not in Postgres")


def _strangers(sent: list[Sent], found: Snapshot) -> Iterator[Problem]:
    owner = {message.token: message.project for message in sent}
    there = [("Blob", project, token) for project, token, _ in found.raw]
    there += [("Postgres", held.project, held.token) for held in found.rows]
    there += [("Cosmos DB", held.project, held.token) for held in found.documents]
    for store, project, token in there:
        if token not in owner:
            yield Problem("phantom", f"{token} in {store} was never sent")
        elif owner[token] != project:
            yield Problem("cross-tenant", f"{token} of {owner[token]} is {project}'s in {store}")
    known = {(held.project, held.contact) for held in found.rows}
    yield from (Problem("phantom", f"contact {each} has no message") for each in found.contacts if each not in known)


def _doubles(found: Snapshot) -> Iterator[Problem]:
    deliveries = defaultdict(set)
    for project, token, delivery in found.raw:
        deliveries[project, token].add(delivery)
    counted = [("Blob", Counter({key: len(ids) for key, ids in deliveries.items()}))]
    counted += [("Postgres", Counter((held.project, held.token) for held in found.rows))]
    counted += [("Cosmos DB", Counter((held.project, held.token) for held in found.documents))]
    for store, counts in counted:
        for (_, token), times in counts.items():
            if times > 1:
                yield Problem("duplicate", f"{token} is {times} times in {store}")
    for held in found.rows:
        if held.analyses > 1:
            yield Problem("duplicate", f"{held.token} is analysed {held.analyses} times")


def _stale(found: Snapshot) -> Iterator[Problem]:
    rows = {(held.project, held.id): held for held in found.rows}
    for document in found.documents:
        row = rows.get((document.project, document.id))
        if row and (row.etag, row.content, row.contact) != (document.etag, document.content, document.contact):
            yield Problem("stale", f"{document.token}: Postgres and Cosmos DB differ")
