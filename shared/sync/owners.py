"""Whose a document is: of the project that it names, else of the one that its organization names."""

from collections.abc import Mapping, Sequence

from shared.identifiers import ProjectId
from shared.stores.postgres import Transaction
from shared.sync.batch import Owned
from shared.sync.changes import Change
from shared.sync.projects import by_first_name, known_projects


async def owner_of(transaction: Transaction, change: Change) -> ProjectId | None:
    """Return the project of a document, None when it names none that there is."""
    return _owner(change, await known_projects(transaction, by_first_name([dict(change.document)])))


async def still_theirs(transaction: Transaction, owned: Sequence[Owned]) -> list[Owned]:
    """Return those whose documents are still of their projects. Nearly always no statement is needed for it."""
    doubtful = by_first_name(dict(change.document) for project, change in owned if not _names(change, project))
    known = await known_projects(transaction, doubtful) if doubtful else {}
    return [(project, each) for project, each in owned if _names(each, project) or _owner(each, known) == project]


def _names(change: Change, project: ProjectId) -> bool:
    return change.tenants[:1] == (project,)


def _owner(change: Change, known: Mapping[str, ProjectId]) -> ProjectId | None:
    projects = set(known.values())
    return next((ProjectId(tenant) for tenant in change.tenants if tenant in projects), None)
