"""Where the comparison of everything is: the next id, and how wide its windows are at the moment."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from shared.sync.reconcile_windows import ALL_IDS, Ids

WIDEST = 128
NARROWEST = 32


@dataclass(frozen=True, slots=True)
class Place:
    """The next window begins at `first` and holds 2^`bits` ids; a round is once around all ids.

    `completed` is when the last complete round began: all that there was then has been compared since.
    """

    first: int
    bits: int
    round_started_at: datetime
    completed: datetime | None = None

    @classmethod
    def read(cls, text: str | None, now: datetime) -> "Place":
        """Return the place of a stored text, or the first of all."""
        if text is None:
            return cls(0, WIDEST, now)
        said = json.loads(text)
        return cls(
            int(said["next"], 16),
            said["bits"],
            datetime.fromisoformat(said["round_started_at"]),
            datetime.fromisoformat(said["completed"]) if said["completed"] else None,
        )

    @property
    def text(self) -> str:
        """This place as a text to be stored."""
        return json.dumps(
            {
                "next": f"{self.first:032x}",
                "bits": self.bits,
                "round_started_at": self.round_started_at.isoformat(),
                "completed": self.completed.isoformat() if self.completed else None,
            }
        )

    @property
    def window(self) -> Ids:
        """The next window."""
        return Ids(self.first, min(self.first + 2**self.bits, ALL_IDS))

    @property
    def narrowest(self) -> bool:
        """Whether windows can't be made smaller."""
        return self.bits <= NARROWEST

    def narrower(self) -> "Place":
        """Return the same place with smaller windows."""
        return replace(self, bits=max(self.bits - 2, NARROWEST))

    def after(self, count: int, wanted: int, now: datetime) -> "Place":
        """Return the place behind a window that held `count`, its width nearer to holding as many as `wanted`."""
        step = -1 if count > wanted else 1 if 4 * count < wanted else 0
        bits = min(max(self.bits + step, NARROWEST), WIDEST)
        if self.window.before == ALL_IDS:
            return Place(0, bits, now, completed=self.round_started_at)
        return replace(self, first=self.window.before, bits=bits)
