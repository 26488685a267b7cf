"""Importing the app against importing azure.functions: what a cold start pays for our own modules."""

import subprocess
import sys
import time
from statistics import median

from bench.figures import Figure, Result, paired_ratio
from bench.progress import say
from local.checkout import CHECKOUT

GOAL = 1.8
ROUNDS = 25
MILLISECONDS = 1000
APP, LIBRARY = "function_app", "azure.functions"
NOTHING = "sys"  # what every interpreter has


def measure() -> Result:
    """Time fresh interpreters in turns; one of each first, unmeasured, so that bytecode and file cache are warm."""
    for module in (LIBRARY, APP):
        _seconds(module)
    times: dict[str, list[float]] = {NOTHING: [], LIBRARY: [], APP: []}
    for number in range(1, ROUNDS + 1):
        for module, measured in times.items():
            measured.append(_seconds(module))
        if number % 5 == 0:
            say(f"  round {number} of {ROUNDS}")
    return compare(times)


def compare(times: dict[str, list[float]]) -> Result:
    """Return the result of interleaved wall times in seconds, by module."""
    middle = {module: median(measured) * MILLISECONDS for module, measured in times.items()}
    names = {NOTHING: "a bare interpreter", LIBRARY: "import azure.functions (limit)", APP: "import function_app"}
    return Result(
        figure=Figure("import_vs_azure_functions", paired_ratio(times[APP], times[LIBRARY]), GOAL, "at most"),
        columns=("", "ms"),
        rows=tuple((name, f"{middle[module]:.0f}") for module, name in names.items()),
        notes=(
            f"{ROUNDS} rounds in turns, each import in a fresh interpreter, start included; bytecode warm; medians.",
            "The ratio is the median of the rounds' ratios.",
        ),
        measured={"import_function_app_ms": middle[APP], "import_azure_functions_ms": middle[LIBRARY]},
    )


def _seconds(module: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=CHECKOUT, check=True)
    return time.perf_counter() - started
