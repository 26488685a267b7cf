"""A container of documents in memory, with what makes the change feed of Cosmos DB hard to follow.

The feed of a partition range shows the latest version of a document only, at the place of its last change; `_ts` has
whole seconds; a range may split in two, whose feeds go on at the parent's place; an expired tombstone is gone from
reads and from the feed, though not before the reader that is promised to see it has seen it. Versions that were
overtaken stay in `history`: a consumer may have read them in time.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
Key = tuple[str, str]
BUCKETS = 16
START_MICROSECONDS = 1_717_000_000_000_000


@dataclass
class FakeClock:
    """Microseconds since 1970, which pass only when a test says so."""

    microseconds: int = START_MICROSECONDS

    @property
    def second(self) -> int:
        return self.microseconds // 1_000_000


@dataclass
class Range:
    """A partition range: the buckets it holds, and the number of its last change."""

    id: int
    buckets: frozenset[int]
    lsn: int = 0
    children: tuple[int, ...] = ()


@dataclass
class Container:
    """Documents by id and contact."""

    clock: FakeClock
    name: str = "container-1"
    documents: dict[Key, Document] = field(default_factory=dict)
    history: list[Document] = field(default_factory=list)
    expired: dict[Key, Document] = field(default_factory=dict)
    ranges: dict[int, Range] = field(default_factory=lambda: {0: Range(0, frozenset(range(BUCKETS)))})
    read_until: "Places" = field(init=False)
    reads: int = 0
    expiries: int = 0
    meddler: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        self.read_until = Places(self.name, {})

    def write(self, document: Document) -> Document:
        """Write the next version of a document, as the server does: whatever was there is replaced."""
        self._expire()
        key = (document["id"], document["contactId"])
        at = self.range_of(document["contactId"])
        at.lsn += 1
        number = len(self.history)
        stored = document | {"_etag": f'"{self.name}-{number}"', "_ts": self.clock.second, "_lsn": at.lsn}
        self.documents[key] = stored
        self.expired.pop(key, None)
        self.history.append(stored)
        return stored

    def find(self, key: Key) -> Document | None:
        """Return the document as it is now."""
        self._expire()
        return self.documents.get(key)

    async def read(self, interaction: str, contact: str) -> Document | None:
        """Return a copy of a document, or None: the point read of the store. A meddler's write comes right after it."""
        self.reads += 1
        found = self.find((interaction, contact))
        meddler, self.meddler = self.meddler, None
        if meddler:
            meddler()
        return dict(found) if found else None

    def split(self, partition: int) -> None:
        """Split a range that holds more than one bucket; its feed goes on in its two children."""
        live = self.live_ranges()
        parent = live[partition % len(live)]
        buckets = sorted(parent.buckets)
        if len(buckets) < 2:
            return
        first = len(self.ranges)
        for number, half in enumerate((buckets[: len(buckets) // 2], buckets[len(buckets) // 2 :])):
            self.ranges[first + number] = Range(first + number, frozenset(half), parent.lsn)
        parent.children = (first, first + 1)

    def live_ranges(self) -> list[Range]:
        return [each for each in self.ranges.values() if not each.children]

    def range_of(self, contact: str) -> Range:
        bucket = int(contact[-4:], 16) % BUCKETS
        return next(each for each in self.live_ranges() if bucket in each.buckets)

    def changes(self, range_id: int, after: int, size: int) -> list[Document]:
        """Return the next changes of a live range behind `after`, oldest first."""
        self._expire()
        held = self.ranges[range_id].buckets
        found = [
            document
            for document in self.documents.values()
            if document["_lsn"] > after and int(document["contactId"][-4:], 16) % BUCKETS in held
        ]
        return sorted(found, key=lambda document: document["_lsn"])[:size]

    def heirs(self, range_id: int) -> Iterator[int]:
        """Return the live ranges that a range became."""
        children = self.ranges[range_id].children
        if not children:
            yield range_id
        for child in children:
            yield from self.heirs(child)

    def pass_time(self, milliseconds: int) -> None:
        """Let time pass, but not so much that a tombstone expires before the reader at `read` saw it."""
        unread = [at for key, at in self._expiries() if not self.read_until.passed(self, self.documents[key])]
        latest = min([self.clock.microseconds + milliseconds * 1000, *(at * 1_000_000 - 1 for at in unread)])
        self.clock.microseconds = max(self.clock.microseconds, latest)

    def _expiries(self) -> list[tuple[Key, int]]:
        return [(key, each["_ts"] + each["ttl"]) for key, each in self.documents.items() if each.get("ttl")]

    def _expire(self) -> None:
        for key, at in self._expiries():
            if at <= self.clock.second:
                self.expired[key] = self.documents.pop(key)
                self.expiries += 1


@dataclass
class Places:
    """How far a reader came in each range, as the opaque token of the pager holds it."""

    container: str
    at: dict[int, int]

    @classmethod
    def start(cls, container: Container) -> "Places":
        return cls(container.name, {each.id: 0 for each in container.live_ranges()})

    @classmethod
    def read(cls, token: str) -> "Places":
        held = json.loads(token)
        return cls(held["container"], dict(held["at"]))

    @property
    def token(self) -> str:
        return json.dumps({"container": self.container, "at": list(self.at.items())})

    def follow_splits(self, container: Container) -> None:
        """Replace ranges that split by what became of them; the order of the others stays."""
        self.at = {heir: lsn for identifier, lsn in self.at.items() for heir in container.heirs(identifier)}

    def passed(self, container: Container, document: Document) -> bool:
        """Whether the reader is behind the last change of a document."""
        here = container.range_of(document["contactId"]).id
        return any(here in container.heirs(each) and lsn >= document["_lsn"] for each, lsn in self.at.items())

    def next_page(self, container: Container, size: int) -> list[Document]:
        """Return the next page, of one range, and move behind it; the ranges take turns. Empty at the end of all."""
        self.follow_splits(container)
        for identifier in list(self.at):
            page = container.changes(identifier, self.at[identifier], size)
            lsn = page[-1]["_lsn"] if page else self.at[identifier]
            del self.at[identifier]
            self.at[identifier] = lsn  # to the end of the line
            if page:
                return page
        return []
