"""The brake: a step that left too many dead letters lately takes up no more work."""

import time

from shared.errors import Transient
from shared.inbox.dead_letters import DeadLetterLimit
from shared.ingestion.drain import STAGES
from shared.models.work import QueueName
from shared.stores.postgres import Postgres

LOOK_SECONDS = 2.0


class Brake:
    """Asks the database how a step fares, at most once in two seconds a step and process."""

    def __init__(self, postgres: Postgres, limit: DeadLetterLimit) -> None:
        self._postgres = postgres
        self._limit = limit
        self._known: dict[QueueName, tuple[float, Transient | None]] = {}

    async def check(self, queue: QueueName) -> None:
        """Raise Transient while the step of `queue` has to wait. A database that is away stops nothing."""
        until, verdict = self._known.get(queue, (0.0, None))
        if until <= time.monotonic():
            verdict = await self._ask(queue)
            self._known[queue] = (time.monotonic() + LOOK_SECONDS, verdict)
        if verdict:
            raise Transient(str(verdict))

    async def _ask(self, queue: QueueName) -> Transient | None:
        # Set before the answer is here, so that a batch of messages asks once.
        self._known[queue] = (time.monotonic() + LOOK_SECONDS, None)
        try:
            async with self._postgres.sweeper() as transaction:
                return await self._limit.reached(transaction, STAGES[queue])
        except Transient:
            return None
