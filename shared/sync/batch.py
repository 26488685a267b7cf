"""A batch of documents on its way to Postgres: each with its project, read in the order in which rows are locked."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter
from shared.stores.cosmos import Document
from shared.stores.sql import SqlBlocks
from shared.sync.changes import STAGE, Change, newer, read_change
from shared.sync.projects import Projects, text_of

SQL = SqlBlocks(Path(__file__).with_name("apply.sql"))
PART = 100  # rows of one statement: enough for its fixed cost, few enough for Postgres to begin early

Owned: TypeAlias = tuple[ProjectId, Change]
Group: TypeAlias = tuple[ProjectId, list[Change]]


@dataclass(slots=True)
class Batch:
    """Documents by the first text that may name their project, and the projects by the texts that name them.

    `letters` grow as the documents are read.
    """

    documents: Mapping[str, Sequence[Document]]
    projects: Projects
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
        for project, document in self._placed():
            read = read_change(document)
            if isinstance(read, DeadLetter):
                self.letters.append(read)
            elif project is None:
                reason = "neither projectId nor organizationId names a project"
                self.letters.append(DeadLetter(None, STAGE, reason, read.pointer))
            else:
                yield project, read

    def _placed(self) -> Iterator[tuple[ProjectId | None, Document]]:
        groups, strangers = self._by_project()
        for document in strangers:
            yield None, document
        for project, documents in sorted(groups.items()):
            for document in sorted(documents, key=_place):
                yield project, document

    def _by_project(self) -> tuple[dict[ProjectId, list[Document]], list[Document]]:
        groups, strangers = defaultdict[ProjectId, list[Document]](list), list[Document]()
        for name, documents in self.documents.items():
            if project := self.projects.get(name):
                groups[project] += documents
                continue
            for document in documents:
                project = self.projects.get(text_of(document, "organizationId"))
                (groups[project] if project else strangers).append(document)
        return groups, strangers


def _place(document: Document) -> str:
    return f"{text_of(document, 'contactId')} {text_of(document, 'id')}"  # one text compares faster than a pair of them


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
