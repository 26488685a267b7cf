"""The projects that documents name: by `projectId`, else by `organizationId`, which the interaction contract has."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from shared.identifiers import ProjectId
from shared.stores.cosmos import Document
from shared.stores.postgres import Statement, Transaction, role_statement
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("apply.sql"))
Projects: TypeAlias = dict[str, ProjectId]  # by the spellings that documents use
REMEMBERED_SECONDS = 60.0  # how long a project that was removed is still written to, which its foreign keys refuse


@dataclass(slots=True)
class KnownProjects:
    """The projects that were found lately, so that a batch of documents of the same ones asks for none.

    Only what was found is remembered: a project is known from the moment it is there.
    """

    _found: Projects = field(default_factory=dict)
    _until: float = 0.0

    async def named_by(self, transaction: Transaction, documents: Mapping[str, Sequence[Document]]) -> Projects:
        """Return the projects of documents, which come `by_first_name`."""
        now = time.monotonic()
        if now > self._until:
            self._found.clear()
            self._until = now + REMEMBERED_SECONDS
        if documents.keys() <= self._found.keys():
            return {text: self._found[text] for text in documents}
        known = await known_projects(transaction, documents)
        self._found |= known
        return known


def by_first_name(documents: Iterable[Document]) -> dict[str, list[Document]]:
    """Return documents by the first text that may name their project."""
    named = defaultdict[str, list[Document]](list)
    for document in documents:
        named[text_of(document, "projectId") or text_of(document, "organizationId")].append(document)
    return named


async def known_projects(transaction: Transaction, documents: Mapping[str, Sequence[Document]]) -> Projects:
    """Return the projects of documents, which come `by_first_name`; organizations where they name no project."""
    known = await _ask(transaction, documents.keys())
    strangers = (each for name, several in documents.items() if name not in known for each in several)
    second = {text_of(each, "organizationId") for each in strangers} - documents.keys()
    return known | (await _ask(transaction, second) if second - {""} else {})


def text_of(document: Document, name: str) -> str:
    """Return a field if it is a text, else an empty one."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


async def _ask(transaction: Transaction, spelled: Iterable[str]) -> Projects:
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
