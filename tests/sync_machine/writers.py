"""Who writes documents: we ourselves with several clocks, other services that keep or drop `version`, and vandals."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.sync_machine.container import BUCKETS, Container, Document, Key

DOCUMENTS = 8
CONTACTS = 4
TTL_SECONDS = 600
# What our own clock may be off by, in microseconds. The last is a machine set to another day.
OFFSETS = {"own": 0, "own, clock behind": -5_000_000, "own, clock ahead": 5_000_000, "own, wrong day": 86_400_000_000}
WRITES = (*OFFSETS, "keeps version", "drops version", "patch")
DELETES = ("own", "keeps version", "drops version")
# Documents that break the contract. The reason is not checked here: tests of poison do.
POISON: dict[str, dict[str, Any]] = {
    "NUL": {"content": "a\0b"},
    "surrogate": {"metadata": {"\udfff": 1}},
    "no time": {"timestamp": "yesterday"},
    "no type": {"type": None},
    "list": {"metadata": []},
    "NaN": {"metadata": {"a": [float("nan")]}},
    "newer schema": {"schemaVersion": 99},
}


@dataclass
class Writers:
    """Write the documents of a seed: eight of four contacts, in the given projects."""

    container: Container
    projects: tuple[UUID, ...]
    keys: list[Key] = field(init=False)
    broken: set[str] = field(default_factory=set)
    _step: int = 0

    def __post_init__(self) -> None:
        # New ids each time, but in the same order and the same partitions: a seed does the same again.
        base = str(self.projects[0])
        contacts = [f"{at:08x}{base[8:-4]}{at * BUCKETS // CONTACTS:04x}" for at in range(CONTACTS)]
        self.keys = [(f"{at:08x}{base[8:]}", contacts[at % CONTACTS]) for at in range(DOCUMENTS)]

    def write(self, doc: int, how: str, wait: int) -> Document:
        """Write a document in one of `WRITES`, `wait` ms after whatever was before."""
        self.container.pass_time(wait)
        current = self.container.find(self.keys[doc])
        if how == "patch" and current:
            patched = self.container.write(current | {"tags": [f"tag {len(self.container.history)}"]})
            if current["_etag"] in self.broken:
                self.broken.add(patched["_etag"])
            return patched
        return self._store(doc, self._content(doc), how, current)

    def delete(self, doc: int, how: str, wait: int) -> Document:
        """Write the tombstone of a document, also where there was none."""
        self.container.pass_time(wait)
        emptied = {"content": "", "metadata": {}, "deleted": True, "ttl": TTL_SECONDS}
        return self._store(doc, self._content(doc) | emptied, how, self.container.find(self.keys[doc]))

    def poison(self, doc: int, kind: str, how: str) -> Document:
        """Write a document that can't be applied."""
        stored = self._store(doc, self._content(doc) | POISON[kind], how, self.container.find(self.keys[doc]))
        self.broken.add(stored["_etag"])
        return stored

    def _store(self, doc: int, document: Document, how: str, current: Document | None) -> Document:
        previous = current.get("version") if current else None
        if how in OFFSETS:
            document["version"] = max((previous or 0) + 1, self.container.clock.microseconds + OFFSETS[how])
        elif how == "keeps version" and previous is not None:
            document["version"] = previous
        return self.container.write(document)

    def _content(self, doc: int) -> Document:
        self._step += 1
        identifier, contact = self.keys[doc]
        project = self.projects[doc % len(self.projects)]
        # Every third document names its project by the organization alone, as the contract's own example does.
        named = {"projectId": str(project)} if doc % 3 else {"organizationId": str(project)}
        return {
            "id": identifier,
            "contactId": contact,
            "agentId": str(uuid.uuid5(project, f"agent {self._step % 3}")) if self._step % 4 else None,
            "organizationId": None,
            "type": ("note", "call", "email")[self._step % 3],
            "content": f"step {self._step}",
            "metadata": {"step": self._step},
            "timestamp": (
                datetime(2024, 5, 28, tzinfo=UTC) + timedelta(seconds=self._step, microseconds=5)
            ).isoformat(),
            "deleted": False,
        } | named
