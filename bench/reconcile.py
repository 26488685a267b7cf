"""Comparing both stores against reading both: the reconciler over 100,000 documents that agree, as in daily work."""

import asyncio
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg

from bench.figures import Figure, Result, paired_ratio
from bench.progress import say
from local.checkout import STATE
from local.stack.stack import Stack
from local.trouble import Trouble
from shared.identifiers import ProjectId
from shared.models.documents import iso
from shared.services import Services
from shared.settings import Settings
from shared.stores.sql import SqlBlocks
from shared.sync.reconcile import ROTATION, Policy, Reconciler
from shared.sync.reconcile_places import Place
from shared.sync.reconcile_windows import ALL_IDS, Ids

GOAL = 0.5
DOCUMENTS = 100_000
PROJECTS = 100
ROUNDS = 5
A_CONTACT = 100  # documents of one contact, which is what a transactional batch takes
AT_ONCE = 1_000
CONTENT = "I would like to have my grandfather's clock appraised. It stopped in March. " * 15
# The local server looks at all of its documents for each page; Cosmos DB seeks in its index.
POLICY = Policy(documents_a_run=10**9, page=5_000, young=timedelta(0), time=timedelta(hours=1))
SQL = SqlBlocks(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class Ahead:
    """A clock to which all that was just written is old enough to be compared."""

    def now(self) -> datetime:
        """Return the time in a minute."""
        return datetime.now(UTC) + timedelta(minutes=1)


def measure() -> Result:
    """Fill both stores, then read and compare them in turns."""
    with _stack() as stack:
        plain, ours, windows = asyncio.run(_rounds(stack))
    rates = [DOCUMENTS / seconds for seconds in plain], [DOCUMENTS / seconds for seconds in ours]
    return compare(*rates, windows=windows)


def compare(plain: list[float], ours: list[float], *, windows: int) -> Result:
    """Return the result of rates in interactions a second, round by round."""
    return Result(
        figure=Figure("reconcile_vs_plain_read", paired_ratio(ours, plain), GOAL, "at least"),
        columns=("", "interactions/s"),
        rows=(
            ("reconcile_stores, nothing differs", f"{median(ours):,.0f}"),
            ("both sides read and dropped (limit)", f"{median(plain):,.0f}"),
        ),
        notes=(
            f"{DOCUMENTS:,} documents of {len(CONTENT):,} characters and their rows, {PROJECTS} projects; {windows}",
            f"windows, each one page of documents and a select a project. Median of {ROUNDS} rounds, both in turn.",
            "Limit: the same queries of Cosmos DB, and all shared columns of the same rows, with nothing done to them.",
            "The local Cosmos server looks at every document for each window, which Cosmos DB's index spares.",
        ),
        measured={"reconcile_rows_per_s": median(ours), "plain_read_rows_per_s": median(plain)},
    )


async def _rounds(stack: Stack) -> tuple[list[float], list[float], int]:
    async with _hub(stack) as hub:
        await _fill(hub, _projects(stack))
        reconciler = Reconciler(hub.postgres, hub.documents, hub.sync, Ahead(), POLICY)
        say("  finding the width of the windows")
        await reconciler.run()
        windows = _windows(Place.read((await reconciler.tables.position(ROTATION)).text, reconciler.clock.now()))
        plain, ours = list[float](), list[float]()
        for at in range(ROUNDS):
            plain.append(await _read(hub, await reconciler.tables.projects(), windows))
            ours.append(await _compare(reconciler))
            say(f"  round {at + 1}: read in {plain[-1]:.1f} s, compared in {ours[-1]:.1f} s")
    return plain, ours, len(windows)


async def _compare(reconciler: Reconciler) -> float:
    started = time.perf_counter()
    run = await reconciler.run()
    seconds = time.perf_counter() - started
    tallies = run.tallies.values()
    if run.compared != DOCUMENTS or any(tally.differing or tally.waiting for tally in tallies):
        raise Trouble(f"{run.compared} interactions were compared, and they should agree", do="Run it again.")
    return seconds


async def _read(hub: Services, projects: frozenset[UUID], windows: list[Ids]) -> float:
    started = time.perf_counter()
    documents = rows = 0
    for window in windows:
        async for page in window.pages(hub.documents, POLICY.page):
            documents += len(page.documents)
        async with hub.postgres.transaction() as transaction:
            for project in map(ProjectId, projects):
                await transaction.as_tenant(project)
                bounds = {"first": UUID(int=window.first), "last": UUID(int=window.before - 1)}
                rows += len(await transaction.all(SQL["read_rows"], project_id=project, **bounds))
    seconds = time.perf_counter() - started
    if (documents, rows) != (DOCUMENTS, DOCUMENTS):
        raise Trouble(f"{documents} documents and {rows} rows were read, not {DOCUMENTS}", do="Run it again.")
    return seconds


def _windows(place: Place) -> list[Ids]:
    width = 2**place.bits
    return [Ids(first, first + width) for first in range(0, ALL_IDS, width)]


async def _fill(hub: Services, projects: list[UUID]) -> None:
    say(f"  writing {DOCUMENTS:,} documents and their rows")
    container = hub.documents._container()  # noqa: SLF001 # as another service writes them: in batches
    waiting: list[dict[str, Any]] = []
    for at in range(0, DOCUMENTS, A_CONTACT):
        contact = str(uuid.uuid4())
        made = [_document(contact, projects[at // A_CONTACT % len(projects)], at + each) for each in range(A_CONTACT)]
        answers = await container.execute_item_batch([("create", (each,)) for each in made], partition_key=contact)
        waiting += [dict(answer["resourceBody"]) for answer in answers]
        if len(waiting) >= AT_ONCE:
            await hub.sync.apply_changes(waiting)
            waiting = []


def _document(contact: str, project: UUID, number: int) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "agentId": None,
        "contactId": contact,
        "organizationId": None,
        "type": "email",
        "timestamp": iso(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)),
        "content": f"{number} {CONTENT}",
        "metadata": {"source": "crm", "confidence": number % 100 / 100, "participants": ["a@example.com"]},
        "tags": [],
        "projectId": str(project),
        "version": number,
        "deleted": False,
    }


def _projects(stack: Stack) -> list[UUID]:
    with psycopg.connect(stack.postgres.dsn("hub")) as admin:
        return [row[0] for row in admin.execute(SQL["make_projects"], {"projects": PROJECTS}).fetchall()]


@asynccontextmanager
async def _hub(stack: Stack) -> AsyncIterator[Services]:
    hub = Services(Settings(**stack.settings))  # type: ignore[arg-type] # names and texts as in the environment
    try:
        yield hub
    finally:
        await hub.close()


@contextmanager
def _stack() -> Iterator[Stack]:
    state = STATE / "bench-reconcile"
    with ExitStack() as undo:
        shutil.rmtree(state, ignore_errors=True)
        undo.callback(shutil.rmtree, state, ignore_errors=True)
        stack = Stack(state, in_memory=True)
        undo.callback(stack.stop)
        stack.start()
        yield stack
