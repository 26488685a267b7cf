"""Sync against COPY: rows a second of apply_changes, and of the fastest way into the same and into a bare table."""

import asyncio
import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import LiteralString, cast

import psycopg

from bench.figures import Figure, Result, paired_ratio
from bench.progress import say
from bench.sync_copy import copy
from bench.sync_documents import Document, Kind
from bench.sync_place import Place, Server, place, server
from local.checkout import STATE
from shared.stores.cosmos import Documents
from shared.stores.postgres import Postgres
from shared.sync.apply import Sync

EXISTING = {"0": 5000, "1m": 1_000_000}  # an "empty" table has what the documents of a round speak of
PROJECTS = (1, 300)
SIZES = {100: 20, 1000: 5}  # documents of a batch, and batches of a round
KINDS: tuple[Kind, ...] = ("insert", "mixed", "stale")
ROUNDS = 5
MAIN_ROUNDS = 21
TRIES = 3
WARM_UP = 12  # more than psycopg needs to prepare a statement, and Postgres to keep its plan

Rates = list[float]


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement: what is applied, to how many rows of how many projects."""

    kind: Kind
    size: int
    existing: str
    projects: int

    @property
    def key(self) -> str:
        """Its name among the figures."""
        return f"sync_{self.kind}_{self.size}_{self.existing}_{self.projects}p_rows_per_second"


@dataclass(slots=True)
class Found:
    """Rows a second by round: of each cell, and of both limits beside the main one."""

    cells: dict[Cell, Rates] = field(default_factory=dict)
    same: Rates = field(default_factory=list)
    bare: Rates = field(default_factory=list)
    wal: float = 0.0


MAIN = Cell("mixed", 1000, "1m", 1)
EMPTY = Cell("mixed", 1000, "0", 1)


def measure() -> Result:
    """Measure every cell, on a Postgres made for it."""
    found = Found()
    with server(STATE / "bench-sync") as postgres:
        for existing in EXISTING:
            for projects in PROJECTS:
                _measure_place(postgres, existing, projects, found)
    return compare(found)


def compare(found: Found) -> Result:
    """Return the result of rows a second by round."""
    ours, empty = found.cells[MAIN], found.cells[EMPTY]
    others = (
        Figure("mixed_1000_1m_vs_copy", paired_ratio(ours, found.bare), 0.33, "at least"),
        Figure("growth_0_to_1m", median(empty) / median(ours), 1.6, "at most"),
        Figure("stale_wal_bytes_per_row", found.wal, 0, "at most"),
    )
    rates = {cell.key: median(rates) for cell, rates in found.cells.items()}
    return Result(
        figure=Figure("mixed_1000_1m_vs_same_table_copy", paired_ratio(ours, found.same), 0.8, "at least"),
        columns=("rows/s", *(f"{existing}, {projects} projects" for existing in EXISTING for projects in PROJECTS)),
        rows=(*_rows(rates), _limit("COPY, same table", found.same), _limit("COPY, bare table", found.bare)),
        notes=(
            *map(str, others),
            f"Medians of {ROUNDS} rounds; the main cell's {MAIN_ROUNDS} rounds take turns with both limits'. Documents",
            "of 1.6 kB, as dicts, through apply_changes in the app's own role: checks, row-level security, indexes,",
            "foreign keys, placeholder contacts, last interactions, commit. New rows come four of a contact at a time;",
            "one contact in five is new. Mixed: half new, 40 % newer, 10 % stale. 0 rows: only what a round speaks of.",
            "COPY: the same documents as new rows, binary, unchecked, by the administrator; the same table has the",
            "same keys, indexes and foreign keys, the bare one is unlogged and has none. No checkpoint in a round; the",
            "tables are in Postgres's memory and were read once by the connections that are measured; new segments",
            "of its log are not filled with zeros, as a server that has run for a while takes old ones again.",
        ),
        measured={figure.key: figure.value for figure in others}
        | rates
        | {"sync_same_table_copy_rows_per_second": median(found.same), "sync_copy_rows_per_second": median(found.bare)},
    )


def _rows(rates: dict[str, float]) -> Iterable[tuple[str, ...]]:
    for kind in KINDS:
        for size in SIZES:
            cells = (Cell(kind, size, existing, projects) for existing in EXISTING for projects in PROJECTS)
            yield f"{kind}, {size} a batch", *(f"{rates[cell.key]:.0f}" for cell in cells)


def _limit(name: str, rates: Rates) -> tuple[str, ...]:
    return name, "", "", f"{median(rates):.0f}", ""


def _measure_place(postgres: Server, existing: str, projects: int, found: Found) -> None:
    say(f"  {existing} rows, {projects} projects …")
    with place(postgres, rows=EXISTING[existing], projects=projects) as made, asyncio.Runner() as runner:
        store = Postgres(made.app, pool_size=1)
        # Nothing here shares a second of the store's clock, so no document is ever read.
        sync = Sync(store, cast("Documents", None))

        def apply(documents: list[Document]) -> None:
            runner.run(sync.apply_changes(documents))

        runner.run(made.touch(store))
        for _ in range(WARM_UP):
            apply(made.history.batch("stale", 10))
        for cell in (Cell(kind, size, existing, projects) for kind in KINDS for size in SIZES):
            measure_cell(made, cell, apply, found)
            say(f"    {cell.kind}, {cell.size} a batch: {median(found.cells[cell]):.0f} rows/s")
            if cell == MAIN:
                found.wal = _wal_of_a_batch_again(made, apply)
        runner.run(store.close())


def measure_cell(made: Place, cell: Cell, apply: Callable[[list[Document]], None], found: Found) -> None:
    """Measure one cell round by round, the main one in turns with COPY."""
    rates = found.cells[cell] = []
    with psycopg.connect(made.admin) as admin:
        if cell == MAIN:
            made.touch_same(admin)
        for _ in range(MAIN_ROUNDS if cell == MAIN else ROUNDS):
            if cell.existing == "0":
                made.fill()
            if cell == MAIN:
                found.same.append(_copied(made, admin, "same"))
                found.bare.append(_copied(made, admin, "bare"))
            batches = [made.history.batch(cell.kind, cell.size) for _ in range(SIZES[cell.size])]
            rates.append(_rate(apply, batches))


def _copied(made: Place, admin: "psycopg.Connection[tuple[object, ...]]", table: LiteralString) -> float:
    batches = [made.history.batch("insert", MAIN.size) for _ in range(SIZES[MAIN.size])]
    made.add_contacts([document for batch in batches for document in batch])
    return _rate(lambda documents: copy(admin, table, documents), batches)


def _rate(take: Callable[[list[Document]], None], batches: list[list[Document]]) -> float:
    """Return rows a second. What was made for the measurement is kept out of the collector's sight."""
    gc.collect()
    gc.freeze()
    started = time.perf_counter()
    for batch in batches:
        take(batch)
    seconds = time.perf_counter() - started
    gc.unfreeze()
    return sum(map(len, batches)) / seconds


def _wal_of_a_batch_again(made: Place, apply: Callable[[list[Document]], None]) -> float:
    """Return the bytes of WAL a row that a batch costs when it comes again."""
    batch = made.history.batch("mixed", MAIN.size)
    apply(batch)
    # Whoever reads rows first notes on their page that they are committed: that is not this batch's doing.
    made.run("VACUUM interactions", "VACUUM contacts", "CHECKPOINT")
    # The server notes its running transactions now and then, which is not its doing either: the least of some tries.
    return min(_wal_of(made, lambda: apply(batch)) for _ in range(TRIES)) / len(batch)


def _wal_of(made: Place, work: Callable[[], None]) -> float:
    before = _position(made)
    work()
    return _position(made) - before


def _position(made: Place) -> float:
    with psycopg.connect(made.admin) as admin:
        row = admin.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return float(row[0]) if row else 0.0
