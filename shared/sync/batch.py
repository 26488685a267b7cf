"""A batch of documents on its way to Postgres: each with its project, read in the order in which rows are locked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter
from shared.stores.cosmos import Document
from shared.stores.sql import SqlBlocks
from shared.sync.changes import STAGE, Change, newer, read_change
from shared.sync.projects import text_of

SQL = SqlBlocks(Path(__file__).with_name("apply.sql"))
PART = 100  # rows of one statement: enough for its fixed cost, few enough for Postgres to begin early

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
        rank = {project: place for place, project in enumerate(sorted(set(self.projects.values())), 1)}
        places = []
        for at, document in enumerate(self.documents):
            project = self._project(document)
            place = rank[project] if project else 0
            # `at` keeps documents of one place in their order, and the rest out of the comparison.
            places.append((place, text_of(document, "contactId"), text_of(document, "id"), at, project, document))
        return ((project, document) for *_, project, document in sorted(places))

    def _project(self, document: Document) -> ProjectId | None:
        named = self.projects.get(text_of(document, "projectId"))
        return named or self.projects.get(text_of(document, "organizationId"))


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
