"""Sixteen callers at once: each does its next piece of work as soon as the one before is done."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Work = Callable[[Item], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Run:
    """One timed run: its wall time in seconds, and how long each piece took."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Pieces a second."""
        return len(self.latencies) / self.seconds


async def run_at_once(workers: Sequence[Work[Item]], items: Iterable[Item]) -> Run:
    """Give the items to the workers, each one at a time, and time them all. What a worker raises comes through."""
    waiting, latencies = iter(items), list[float]()
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(_work(worker, waiting, latencies))
    return Run(time.perf_counter() - started, latencies)


async def _work(worker: Work[Item], waiting: Iterator[Item], latencies: list[float]) -> None:
    for item in waiting:
        started = time.perf_counter()
        await worker(item)
        latencies.append(time.perf_counter() - started)
