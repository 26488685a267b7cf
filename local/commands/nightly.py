import os
import subprocess
import sys
from collections.abc import Sequence

from local.checkout import CHECKOUT

TIMES = "20"
SEEDS = "2000"
TESTS = ("tests/chaos", "tests/integration/test_sync_machine.py")


def main(argv: Sequence[str]) -> int:
    """Run the crash matrix many times (the first argument says how many, 20 when not given); prints its table.

    The machine that sync is tested with runs 2,000 seeds (the second argument says how many); prints how they ended.
    """
    times, seeds = (*argv[:2], *(TIMES, SEEDS)[len(argv) :])
    argument = [sys.executable, "-m", "pytest", "-q", "--timeout=0", *TESTS]
    counts = {"CHAOS_TIMES": times, "SYNC_MACHINE_SEEDS": seeds}
    return subprocess.run(argument, cwd=CHECKOUT, env={**os.environ, **counts}, check=False).returncode
