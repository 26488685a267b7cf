import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from local.checkout import CHECKOUT

TIMES = 20
SEEDS = 2000
TESTS = ("tests/chaos", "tests/integration/test_sync_machine.py")


def main(argv: Sequence[str]) -> int:
    """Run the crash matrix many times (the first argument says how many, 20 when not given); prints its table.

    The machine that sync is tested with runs 2,000 seeds (the second argument says how many); prints how they ended.
    """
    asked = argparse.ArgumentParser(prog="./dev nightly", description="Crash every failpoint, run the sync machine.")
    asked.add_argument("times", type=int, nargs="?", default=TIMES, help=f"of each crash, {TIMES} when not given")
    asked.add_argument("seeds", type=int, nargs="?", default=SEEDS, help=f"of the machine, {SEEDS} when not given")
    given = asked.parse_args(argv)
    counts = {"CHAOS_TIMES": str(given.times), "SYNC_MACHINE_SEEDS": str(given.seeds)}
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=0", *TESTS]
    return subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **counts}, check=False).returncode
