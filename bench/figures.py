"""The arithmetic of a benchmark: medians, percentiles and ratios to a limit measured beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (above 0, at most 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


def paired_ratio(ours: Sequence[float], limit: Sequence[float]) -> float:
    """Return the median of each round's ratio to the limit measured just before it.

    A machine that slows down for a while slows both halves of a pair: the pairs say more than the two medians.
    """
    return median(mine / best for mine, best in zip(ours, limit, strict=True))


@dataclass(frozen=True, slots=True)
class Figure:
    """The ratio of a benchmark; `goal` bounds it from the side that `reach` says."""

    key: str
    value: float
    goal: float
    reach: Literal["at least", "at most"]

    @property
    def reached(self) -> bool:
        """Say whether the value is on the good side of its goal."""
        return self.value >= self.goal if self.reach == "at least" else self.value <= self.goal

    def __str__(self) -> str:
        verdict = "reached" if self.reached else "missed"
        return f"{self.key} = {self.value:.3f} (goal {self.reach} {self.goal:g}: {verdict})"


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found: its ratio, the table behind it, and what has to be known to read them."""

    figure: Figure
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    measured: dict[str, float]

    def numbers(self) -> dict[str, float]:
        """Return every number by its key, the ratio first, to four decimals."""
        return {self.figure.key: round(self.figure.value, 4)} | {k: round(v, 4) for k, v in self.measured.items()}
