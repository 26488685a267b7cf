"""Rests that servers ask for: while one lasts nobody asks again, so a storm of refusals costs a call for each rest."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.ai.provider import NotAsked
from shared.clock import Clock
from shared.errors import Transient

# What a wrong header may cost at most.
LONGEST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Pauses:
    """The rests of this process, by model."""

    clock: Clock
    _until: dict[str, datetime] = field(default_factory=dict)

    def check(self, model: str) -> None:
        """Raise NotAsked, with the time that is left, while the model rests."""
        left = self._until.get(model, self.clock.now()) - self.clock.now()
        if left > timedelta(0):
            raise NotAsked("the model asked for a rest", retry_after=left)

    def note(self, model: str, error: Transient) -> None:
        """Remember the rest that an error asks for, if it does."""
        if error.retry_after:
            self._until[model] = self.clock.now() + min(error.retry_after, LONGEST)
