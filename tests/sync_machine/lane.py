"""A database of its own in which worlds run one after the other, and the running of seeds in several of them."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from shared.stores.postgres import Postgres
from tests.integration.scratch import Scratch
from tests.sync_machine.events import Event, script
from tests.sync_machine.world import Violation, World

PROJECT = "INSERT INTO projects (id, name, system_user_id) VALUES (%s, 'machine', %s)"


@dataclass
class Lane:
    """A database and the connections to it."""

    postgres: Postgres
    admin: psycopg.AsyncConnection[dict[str, Any]]

    async def world(self, *, projects: int = 1, pulls: bool = True) -> World:
        """Return a new world with its projects. Letters of the one before are gone: finding its own would get slow."""
        await self.admin.execute("DELETE FROM dead_letters")
        made = tuple(UUID(f"{at:08x}{str(uuid.uuid4())[8:]}") for at in range(projects))
        for project in made:
            await self.admin.execute("SELECT set_config('app.project_id', %s, false)", [str(project)])
            await self.admin.execute(PROJECT, [project, uuid.uuid5(project, "system")])
        return World(self.postgres, self.admin, made, pulls=pulls)

    async def run(
        self, events: Iterable[Event], *, projects: int = 1, pulls: bool = True, run: "SeedsRun | None" = None
    ) -> Violation | None:
        """Run events in a new world to the end, count what happened in `run`, and return what was violated."""
        world = await self.world(projects=projects, pulls=pulls)
        try:
            for event in events:
                await world.perform(event)
            await world.finish()
        except Violation as violation:
            return violation
        except Exception as error:  # noqa: BLE001 # whatever sync raises and should not is to be shown with its seed
            return Violation(repr(error))
        finally:
            await world.close()
            if run:
                run.count(world)
        return None

    async def smallest(self, events: Sequence[Event], *, projects: int = 1) -> list[Event]:
        """Return a part of violating events that violates too, and of which nothing can be left out in one piece."""
        kept, size = list(events), len(events) // 2
        while size:
            at = 0
            while at < len(kept):
                fewer = kept[:at] + kept[at + size :]
                if await self.run(fewer, projects=projects):
                    kept = fewer
                else:
                    at += size
            size //= 2
        return kept


@asynccontextmanager
async def open_lane(scratch: Scratch) -> AsyncIterator[Lane]:
    """Open the connections to a scratch database."""
    postgres = Postgres(scratch.app, pool_size=4)
    admin = await psycopg.AsyncConnection.connect(scratch.admin, autocommit=True, row_factory=dict_row)
    try:
        yield Lane(postgres, admin)
    finally:
        await postgres.close()
        await admin.close()


@dataclass(frozen=True)
class Failure:
    """A seed that violates, with the fewest events found that do."""

    seed: int
    violation: str
    events: list[Event]

    def __str__(self) -> str:
        lines = "\n  ".join(map(str, self.events))
        return f"seed {self.seed}: {self.violation}\n  {lines}"


@dataclass
class SeedsRun:
    """What running many seeds came to: kills that fired, by place; batches that failed without one, by their error."""

    failures: list[Failure] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    expiries: int = 0
    splits: int = 0
    batches: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def count(self, world: World) -> None:
        """Add what happened in a world."""
        self.kills.update(world.saboteur.kills)
        self.settled += world.container.reads
        self.expiries += world.container.expiries
        self.splits += len(world.container.ranges) // 2
        self.batches += world.host.attempts
        self.refused.update(world.host.refused)

    @property
    def described(self) -> str:
        kills = ", ".join(f"{count} at {place}" for place, count in sorted(self.kills.items()))
        return (
            f"{len(self.failures)} violated; {self.batches} batches of the trigger; {self.splits} splits; "
            f"{self.expiries} tombstones expired; {self.settled} documents read to settle; kills: {kills}"
        )


async def run_seeds(lanes: Sequence[Lane], seeds: Iterable[int], events: int) -> SeedsRun:
    """Run each seed's events, the lanes side by side. Every fourth seed has two projects."""
    waiting, run = iter(seeds), SeedsRun()

    async def work(lane: Lane) -> None:
        for seed in waiting:
            made, projects = script(seed, events), 2 if seed % 4 == 0 else 1
            violation = await lane.run(made, projects=projects, run=run)
            if violation:
                run.failures.append(Failure(seed, str(violation), await lane.smallest(made, projects=projects)))

    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(work(lane))
    return run
