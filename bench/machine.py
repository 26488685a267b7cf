"""The machine that a figure was measured on."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Machine:
    """Its processors, memory in GiB and Python."""

    cores: int
    cpu: str
    memory_gib: float
    python: str

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.cpu}, {self.memory_gib:.0f} GiB memory, Python {self.python}"


def this_machine() -> Machine:
    """Return the machine this runs on; its cores are those that this process may use."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return Machine(_cores(), _cpu(), memory, platform.python_version())


def _cores() -> int:
    # macOS has no affinity to ask for.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
