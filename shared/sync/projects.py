"""The projects that documents name: by `projectId`, else by `organizationId`, which the interaction contract has."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from shared.identifiers import ProjectId
from shared.stores.cosmos import Document
from shared.stores.postgres import Statement, Transaction, role_statement
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("apply.sql"))
REMEMBERED_SECONDS = 60.0  # how long a project that was removed is still written to, which its foreign keys refuse


@dataclass(slots=True)
class KnownProjects:
    """The projects that were found lately, so that a batch of documents of the same ones asks for none.

    Only what was found is remembered: a project is known from the moment it is there.
    """

    _found: dict[str, ProjectId] = field(default_factory=dict)
    _until: float = 0.0

    async def named_by(self, transaction: Transaction, documents: Sequence[Document]) -> dict[str, ProjectId]:
        """Return the projects that documents name, by the spellings they use."""
        now = time.monotonic()
        if now > self._until:
            self._found.clear()
            self._until = now + REMEMBERED_SECONDS
        first = _first_names(documents)
        if first <= self._found.keys():
            return {text: self._found[text] for text in first}
        known = await known_projects(transaction, documents)
        self._found |= known
        return known


async def known_projects(transaction: Transaction, documents: Sequence[Document]) -> dict[str, ProjectId]:
    """Return the projects that documents name, by the spellings they use; organizations where they name no project."""
    first = _first_names(documents)
    known = await _ask(transaction, first)
    second = {text_of(each, "organizationId") for each in documents if text_of(each, "projectId") not in known} - first
    return known | (await _ask(transaction, second) if second - {""} else {})


def text_of(document: Document, name: str) -> str:
    """Return a field if it is a text, else an empty one."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _first_names(documents: Iterable[Document]) -> set[str]:
    return {text_of(document, "projectId") or text_of(document, "organizationId") for document in documents}


async def _ask(transaction: Transaction, spelled: set[str]) -> dict[str, ProjectId]:
    ids = {text: read for text in spelled if (read := _uuid(text))}
    query = Statement(SQL["known_projects"], {"ids": f"{{{','.join(map(str, ids.values()))}}}"})
    _, rows = await transaction.together([role_statement("hub_sweeper"), query])
    known = {row["id"] for row in rows}
    return {text: ProjectId(read) for text, read in ids.items() if read in known}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
