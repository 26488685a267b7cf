"""Timer triggers: NCRONTAB or an interval in UTC, never two runs of one timer at a time.

Schedules are kept in memory only (the real host's monitor keeps them in storage), so a start never finds a missed
occurrence; occurrences that pass during a run are skipped, as there. `IsPastDue` says that the host woke up late.
"""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from azure.functions.meta import Datum

from local.host.context import RetryContext
from local.host.invocation import Call, Invoker
from local.host.listener import Listener, Stopped
from local.host.ncrontab import parse_schedule
from local.host.retry import run_with_retry
from shared.errors import Misconfigured

_LATE = timedelta(seconds=2)


class TimerListener(Listener):
    """Runs one function when its schedule says so."""

    def __init__(self, invoker: Invoker) -> None:
        super().__init__(f"timer {invoker.function.name}")
        settings = invoker.function.settings
        self._invoker = invoker
        self.function = invoker.function.name
        self._on_start = bool(settings.get("runOnStartup"))
        self._turn = asyncio.Lock()
        self._last: datetime | None = None
        try:
            self._schedule = parse_schedule(str(settings["schedule"]))
        except ValueError as error:
            raise Misconfigured(f"function {invoker.function.name}: {error}") from error

    async def listen(self) -> None:
        """Run the function at every occurrence, the next one counted from the end of the run before."""
        if self._on_start and self._last is None:
            await self.run()
        while not self.stopping:
            due = self._schedule.after(datetime.now(UTC))
            await self._wait_until(due)
            if not self.stopping:
                await self.run(past_due=datetime.now(UTC) - due > _LATE)

    async def run(self, *, past_due: bool = False) -> None:
        """Run the function now, after the run that may be under way."""
        async with self._turn:
            self._last = now = datetime.now(UTC)
            with self._invoker.activity.unit(), suppress(Stopped):
                await run_with_retry(
                    self._invoker.function.retry, lambda retry: self._attempt(now, past_due, retry), self.retry_pause
                )

    async def _wait_until(self, moment: datetime) -> None:
        # In short steps: a laptop that slept, or a clock that was set, must not shift the schedule.
        while not self.stopping and (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
            await self.pause(min(left, 1))

    async def _attempt(self, now: datetime, past_due: bool, retry: int) -> bool:  # noqa: FBT001 # passed on, not a switch
        policy = self._invoker.function.retry
        at, following = now.isoformat(), self._schedule.after(now).isoformat()
        status = {"Last": at, "LastUpdated": at, "Next": following}
        timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
        call = Call(Datum(json.dumps(timer), "json"), retry=RetryContext(retry, policy.max_retries if policy else 0))
        return await self._invoker.perform(call) is not None
