"""What time does to the log of model calls: a call whose worker is gone is settled, what is old enough goes."""

from dataclasses import dataclass
from datetime import timedelta

from shared.ai.log import SQL, give_up
from shared.clock import Clock
from shared.identifiers import ProjectId
from shared.stores.postgres import Postgres

# A kept answer is used at once, after a crash, or when its repair may be asked for: by then a spent day is over, and a
# weekend without a model. Its findings have a place of their own.
ANSWERS_KEPT = timedelta(days=3)
# A message that waits looks again each `RETRY_MAX_SECONDS`, a quarter of an hour.
DEFERRED_KEPT = timedelta(days=2)
# Rows of one project and run, so that no transaction is long.
MOST = 5_000


@dataclass(frozen=True, slots=True)
class LogUpkeep:
    """Keeps up the logs of all projects, one after the other; bodies and rows expire by each project's own clocks."""

    postgres: Postgres
    clock: Clock

    async def run(self) -> int:
        """Do what is due, and return how many calls had lost their worker."""
        async with self.postgres.sweeper() as transaction:
            projects = [ProjectId(row["id"]) for row in await transaction.all(SQL["every_project"])]
        return sum([await self._project(project) for project in projects])

    async def _project(self, project: ProjectId) -> int:
        now = self.clock.now()
        async with self.postgres.tenant(project) as transaction:
            lost = await give_up(transaction, project, now)
            due = {"project_id": project, "now": now, "limit": MOST}
            await transaction.execute(SQL["expire_bodies"], **due)
            await transaction.execute(SQL["expire_answers"], project_id=project, before=now - ANSWERS_KEPT)
            await transaction.execute(SQL["forget_deferred"], project_id=project, before=now - DEFERRED_KEPT)
            await transaction.execute(SQL["delete_calls"], **due)
        return lost
