"""Made history for the sync benchmark: rows numbered from 0, the same in SQL and in Python, and documents about them.

Ids are MD5 of a name and a number: as random to an index as UUIDs are, and known on both sides without asking.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import md5
from itertools import count
from typing import Any, Literal
from uuid import UUID

from bench.webhook_load import PROSE
from shared.models.document_versions import CURRENT
from shared.models.documents import iso

Document = dict[str, Any]
Kind = Literal["insert", "mixed", "stale"]

ROWS_A_CONTACT = 20
ROWS_AT_A_TIME = 4  # a chat brings several messages of one person at once
CONTENT_CHARACTERS = 1200
TEXTS = 500
EPOCH = 1_700_000_000  # seconds; the `_ts` of every row that is there before a measurement
FIRST_NEW = 100_000_000  # new rows are numbered from here


def identifier(name: str, number: int) -> UUID:
    """Return the id of a row, contact or project by its number."""
    return UUID(md5(f"{name}{number}".encode(), usedforsecurity=False).hexdigest())


@lru_cache
def texts() -> tuple[str, ...]:
    """Return mail texts, the same on every machine."""
    source = random.Random(7)
    return tuple(
        " ".join(source.choices(PROSE.split(), k=CONTENT_CHARACTERS))[:CONTENT_CHARACTERS] for _ in range(TEXTS)
    )


def metadata(number: int) -> dict[str, Any]:
    """Return the metadata of a row."""
    return {
        "source": "crm",
        "sourceMessageId": f"<{number:032x}@mail.example.com>",
        "confidence": number % 100 / 100,
        "participants": ["ada@example.com", "grace@example.org"],
        "flags": {"automated": False, "internal": number % 7 == 0},
    }


@dataclass(slots=True)
class History:
    """How many rows there are of how many projects, and which of them documents have spoken of.

    Contact `c` belongs to project `c` modulo `projects`; row `n` to contact `n` modulo the number of contacts.
    """

    rows: int
    projects: int
    contacts: int
    _new: Iterator[int] = field(default_factory=lambda: count(FIRST_NEW))
    _old: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self.start_again()

    def start_again(self) -> None:
        """Speak of all rows anew."""
        self._old = self._shuffled()

    def batch(self, kind: Kind, size: int) -> list[Document]:
        """Return documents in random order. Mixed: half new, four of ten newer than their rows, one of ten stale."""
        shares = {"insert": (1.0, 0.0), "mixed": (0.5, 0.4), "stale": (0.0, 0.0)}[kind]
        new, newer = (round(size * share) for share in shares)
        documents = [self.new(next(self._new)) for _ in range(new)]
        documents += [self.version(next(self._old), later=60) for _ in range(newer)]
        documents += [self.version(next(self._old), later=-60 * (at % 2)) for at in range(size - new - newer)]
        random.Random(size).shuffle(documents)
        return documents

    def new(self, number: int) -> Document:
        """Return the document of a row that is not there: four of a contact at a time, one contact in five is new."""
        burst = number // ROWS_AT_A_TIME
        fresh = burst % (ROWS_A_CONTACT // ROWS_AT_A_TIME) == 0
        return self._document(number, FIRST_NEW + burst if fresh else burst * 7919 % self.contacts, EPOCH + 3600, 0)

    def version(self, number: int, *, later: int) -> Document:
        """Return a version of a row's document that is `later` seconds younger; 0 is what the row was made from."""
        return self._document(number, number % self.contacts, EPOCH, later)

    def _document(self, number: int, contact: int, at: int, later: int) -> Document:
        moment = datetime.fromtimestamp(at, UTC) + timedelta(microseconds=number % 1_000_000)
        return {
            "id": str(identifier("i", number)),
            "agentId": str(identifier("a", number % 50)),
            "contactId": str(identifier("c", contact)),
            "organizationId": str(identifier("o", contact % 1000)),
            "type": "email",
            "timestamp": iso(moment),
            "content": texts()[(number + later) % TEXTS],
            "metadata": metadata(number),
            "embedding": None,
            "embeddingModel": None,
            "embeddingDate": None,
            "tags": ["lead"],
            "projectId": str(identifier("p", contact % self.projects)),
            "version": (at + later) * 1_000_000,
            "deleted": False,
            "schemaVersion": CURRENT,
            "_etag": f'"{number:08x}-{later}"',
            "_ts": at + later,
        }

    def _shuffled(self) -> Iterator[int]:
        """Go through the rows in an order that is random to every index; a row is spoken of once."""
        step = 611_953  # a prime, so that every row is reached before one comes again
        return (index * step % self.rows for index in range(self.rows))
