"""Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Advance(Protocol):
    """Tells that one more of the total is done."""

    def __call__(self) -> None:
        """Count one more."""
        ...


@contextmanager
def counting(console: Console, what: str, total: int) -> Iterator[Advance]:
    """Show how many of `total` are done while the block runs."""
    with _bar(console, what, total) if console.is_terminal else _lines(console, what, total) as advance:
        yield advance


@contextmanager
def _bar(console: Console, what: str, total: int) -> Iterator[Advance]:
    columns = (TextColumn("{task.description:<24}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def _lines(console: Console, what: str, total: int) -> Iterator[Advance]:
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        # A log of forty lines a bar says less than four.
        if done == total or done % max(1, total // 4) == 0:
            console.print(f"{what}: {done} of {total}", markup=False, highlight=False)

    yield advance


@contextmanager
def step(console: Console, name: str) -> Iterator[None]:
    """Tell that something takes a moment and, after the block, how long it took."""
    started = time.perf_counter()
    console.print(f"{name} … ", end="", markup=False, highlight=False)
    try:
        yield
    except BaseException:  # raised again: an interrupted step says how long it took, too
        console.print(f"failed after {time.perf_counter() - started:.1f} s", highlight=False)
        raise
    console.print(f"{time.perf_counter() - started:.1f} s", highlight=False)
