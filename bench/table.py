"""Results as text."""

from collections.abc import Sequence

from bench.figures import Result
from bench.machine import Machine


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under their columns: the first to the left, numbers to the right."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(_cells(line, widths)).rstrip() for line in lines)


def describe(name: str, result: Result, machine: Machine) -> str:
    """Return all that one benchmark found, to be read by people."""
    notes = [f"  {note}" for note in result.notes]
    return "\n".join([f"{name}: {result.figure}", f"  {machine}", *notes, "", table(result.columns, result.rows), ""])


def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = (
        f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
        for i, (cell, width) in enumerate(zip(line, widths, strict=True))
    )
    return [first, *others]
