"""The crash matrix: every failpoint kills, hangs and breaks the hub under traffic; then the stores are compared."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from shared.failpoints import NAMES, Name
from tests.chaos import stores
from tests.chaos.checker import KINDS, Problem, problems
from tests.chaos.supervisor import Supervisor
from tests.chaos.traffic import SOMETIMES, Traffic

# The way of a message: its failpoints are crashed at in every run. Timers and operators pass the others.
WAY = ("ingest", "external", "store", "ai", "analyze")
FIRE_SECONDS = 180
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 4.0
IDLE_SECONDS = 300


@dataclass
class Matrix:
    """Rounds of faults on one running stack, and the count of those that really happened."""

    host: Supervisor
    traffic: Traffic
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)

    def break_all(self, at: int) -> None:
        """Raise once at every failpoint, all in one run, each at its pass `at`."""
        self.traffic.images = at
        self.host.start(",".join(f"{name}=raise@{at}" for name in NAMES))
        self._until_fired(len(NAMES))
        self.fired.update(self.host.fired())
        self.host.stop()

    def crash(self, name: Name, action: str, at: int) -> None:
        """Kill or hang at the pass `at` of a failpoint; a hub that hangs is killed."""
        # Kept and never enqueued: only the sweep finds it, so nobody else may help.
        self.traffic.giving_up = 1.0 if name == "ingest.blob_put" else SOMETIMES
        self.traffic.images = at if name.startswith("analyze.attachment") else 0
        self.host.start(f"{name}={action}@{at}")
        self._until_fired(1)
        self.fired.update(self.host.fired())
        if action == "kill":
            assert self.host.ended() == -signal.SIGKILL
        self.host.kill()

    def recover(self) -> None:
        """Let the hub work off what it has, so that the next fault meets fresh messages and not a backlog."""
        self.host.start()
        asyncio.run(self.traffic.settle())
        self.host.until(lambda: not stores.waiting(self.traffic.stack), seconds=IDLE_SECONDS, pause=0.25)
        self.host.stop()

    def verdict(self) -> list[Problem]:
        """Let the hub come to rest, and return everything that is wrong."""
        projects = [str(project.id) for project in self.traffic.projects]
        self.host.start()
        deadline = time.monotonic() + IDLE_SECONDS
        while True:
            asyncio.run(self.traffic.settle())
            wrong = problems(self.traffic.sent, stores.read(self.traffic.stack, projects))
            if not wrong or time.monotonic() > deadline:
                return wrong
            time.sleep(1)

    def table(self, wrong: list[Problem]) -> str:
        """Return what happened and what was found, to be read by people."""
        actions = ("kill", "hang", "raise")
        lines = [f"{'failpoint':<28}" + "".join(f"{action:>7}" for action in actions)]
        lines += [f"{name:<28}" + "".join(f"{self.fired[name, action]:>7}" for action in actions) for name in NAMES]
        sent = self.traffic.sent
        acked = sum(message.acked for message in sent)
        lines.append(f"{len(sent)} messages, {acked} accepted, {len(self.traffic.given_up)} sent once only")
        counts = Counter(problem.kind for problem in wrong)
        lines.append("  ".join(f"{kind} {counts[kind]}" for kind in KINDS))
        return "\n".join(lines + [f"{problem.kind}: {problem.what}" for problem in wrong[:20]])

    def _until_fired(self, wanted: int) -> None:
        deadline, wait = time.monotonic() + FIRE_SECONDS, FIRST_WAIT_SECONDS
        while len(self.host.fired()) < wanted:
            assert time.monotonic() < deadline, f"only {self.host.fired()} fired"
            asyncio.run(self._burst(wanted, wait))
            # What waits for a timer, or is slow, is not made faster by more messages.
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _burst(self, wanted: int, seconds: float) -> None:
        """Send a burst and wait for what it does; a hub that hangs is not waited for."""
        sending = asyncio.create_task(self.traffic.burst())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.host.fired()) < wanted:  # noqa: ASYNC110 # the event is a line in a log
                    await asyncio.sleep(0.02)
        sending.cancel()
        (ended,) = await asyncio.gather(sending, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended


def is_on_the_way(name: Name) -> bool:
    """Whether a message passes this failpoint on its way from its sender to what is known of it."""
    return name.split(".")[0] in WAY


def crashes(turn: int) -> Iterator[tuple[Name, str, int]]:
    """Return what crashes in one turn after all have raised: failpoint, action and pass.

    On the way of a message two crashes each, so that with the three that raised it is five; by night three everywhere.
    """
    for number, name in enumerate(NAMES):
        at = 1 + (number + turn) % 3
        if is_on_the_way(name) or at_night():
            yield name, "kill", at
            yield name, "hang", 1
        else:
            yield name, ("kill", "hang")[number % 2], at
        if at_night():
            yield name, "kill", 1


def at_night() -> bool:
    """Whether there is time for everything."""
    return "CHAOS_TIMES" in os.environ


def times() -> int:
    """Return how often the whole matrix is to run."""
    return int(os.environ.get("CHAOS_TIMES", "1"))
