"""Rests of a model that does not answer: while one lasts nobody asks, and after it one asks for all."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.ai.provider import Away, NotAsked
from shared.clock import Clock

# What a wrong header may cost at most.
LONGEST = timedelta(minutes=15)
# How long a model is left alone that asked for no rest itself.
LONGEST_UNASKED = timedelta(minutes=2)
# So many failures in a row are no accident.
PATIENCE = 3
# Who waits for another one's try looks again after it.
_TRY = timedelta(seconds=2)


@dataclass(slots=True)
class _Rest:
    until: datetime | None = None
    failures: int = 0
    tried_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pauses:
    """The rests of this process, by model.

    A server's own wait is kept, longer each time that it asks again; a model that only fails rests from the third
    failure in a row on. `deadline` is the longest that one call takes.
    """

    clock: Clock
    deadline: timedelta = timedelta(minutes=5)
    _rests: dict[str, _Rest] = field(default_factory=dict)

    def check(self, model: str) -> None:
        """Raise NotAsked, with the time that is left, while the model rests or another call tries it after a rest."""
        rest, now = self._rests.get(model), self.clock.now()
        if rest is None or rest.until is None:
            return
        if rest.until > now:
            raise NotAsked("the model rests", retry_after=rest.until - now)
        if rest.tried_until and rest.tried_until > now:
            raise NotAsked("the model is tried after its rest", retry_after=_TRY)
        rest.tried_until = now + self.deadline

    def failed(self, model: str, error: Away) -> None:
        """Remember the rest that an error asks for, or that it is one more failure in a row."""
        now = self.clock.now()
        rest = self._rests.setdefault(model, _Rest())
        asked = min(error.retry_after or timedelta(0), LONGEST)
        if rest.until and rest.until > now:
            # Asked before the rest began, so it says nothing new of the model.
            rest.until = max(rest.until, now + asked)
            return
        rest.failures += 1
        rest.tried_until = None
        wait = max(asked, _grown(rest.failures, asked=bool(asked)))
        if wait:
            rest.until = now + wait

    def answered(self, model: str) -> None:
        """Forget all failures: the model answers."""
        self._rests.pop(model, None)

    def not_tried(self, model: str) -> None:
        """Let another call be the one that tries: the one that was to do it never asked."""
        if model in self._rests:
            self._rests[model].tried_until = None


def _grown(failures: int, *, asked: bool) -> timedelta:
    steps = failures - 1 if asked else failures - PATIENCE
    return min(timedelta(seconds=2 ** min(steps, 10)), LONGEST_UNASKED) if steps >= 0 else timedelta(0)
