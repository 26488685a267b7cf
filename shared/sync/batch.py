"""A batch of documents on its way to Postgres: each with its project, read in the order in which rows are locked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter
from shared.stores.cosmos import Document
from shared.stores.postgres import Statement, Transaction, role_statement
from shared.stores.sql import SqlBlocks
from shared.sync.changes import STAGE, Change, newer, read_change

SQL = SqlBlocks(Path(__file__).with_name("apply.sql"))
PART = 250  # rows of one statement: large enough for its fixed cost, small enough to be read while the one before runs

Owned: TypeAlias = tuple[ProjectId, Change]
Group: TypeAlias = tuple[ProjectId, list[Change]]


@dataclass(slots=True)
class Batch:
    """Documents, and `projects` by the spellings in which they name them. `letters` grow as the documents are read."""

    documents: Sequence[Document]
    projects: Mapping[str, ProjectId]
    letters: list[DeadLetter] = field(default_factory=list)

    def read(self) -> Iterator[Owned]:
        """Read one version of each document, its newest, in order of project, contact and id.

        Whoever locks rows in this order never waits for one who waits for it.
        """
        self.letters.clear()
        last: Owned | None = None
        for project, change in self._each():
            if last and last[0] == project and last[1].key == change.key:
                change = newer(last[1], change)  # noqa: PLW2901 # the two are one from here on
            elif last:
                yield last
            last = project, change
        if last:
            yield last

    def _each(self) -> Iterator[Owned]:
        rank = {project: place for place, project in enumerate(sorted(self.projects.values()), 1)}

        def place(pair: tuple[ProjectId | None, Document]) -> tuple[int, str, str]:
            project, document = pair
            return rank[project] if project else 0, _text(document, "contactId"), _text(document, "id")

        placed = ((self._project(document), document) for document in self.documents)
        for project, document in sorted(placed, key=place):
            read = read_change(document)
            if isinstance(read, DeadLetter):
                self.letters.append(read)
            elif project is None:
                reason = "neither projectId nor organizationId names a project"
                self.letters.append(DeadLetter(None, STAGE, reason, read.pointer))
            else:
                yield project, read

    def _project(self, document: Document) -> ProjectId | None:
        named = self.projects.get(_text(document, "projectId"))
        return named or self.projects.get(_text(document, "organizationId"))


async def known_projects(transaction: Transaction, documents: Sequence[Document]) -> dict[str, ProjectId]:
    """Return the projects that documents name, by the spellings they use; organizations where they name no project."""
    first = {_text(document, "projectId") or _text(document, "organizationId") for document in documents}
    known = await _ask(transaction, first)
    second = {_text(each, "organizationId") for each in documents if _text(each, "projectId") not in known} - first
    return known | (await _ask(transaction, second) if second - {""} else {})


def parts(owned: Iterable[Owned]) -> Iterator[Group]:
    """Return changes in groups for a statement each: of one project, not too many, and no id twice.

    Documents of several contacts with one id take turns, the first keeps the id.
    """
    project: ProjectId | None = None
    part: dict[str, Change] = {}
    for owner, change in owned:
        if project is not None and (owner != project or len(part) == PART or change.key[0] in part):
            yield project, list(part.values())
            part = {}
        project = owner
        part[change.key[0]] = change
    if project is not None:
        yield project, list(part.values())


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


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
