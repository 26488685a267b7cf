import os
import subprocess
import sys
from collections.abc import Sequence

from local.checkout import CHECKOUT

TIMES = "40"


def main(argv: Sequence[str]) -> int:
    """Run the crash matrix many times (the first argument says how many, 40 when not given); prints its table."""
    times = argv[0] if argv else TIMES
    argument = [sys.executable, "-m", "pytest", "-q", "--timeout=0", "tests/chaos"]
    return subprocess.run(argument, cwd=CHECKOUT, env={**os.environ, "CHAOS_TIMES": times}, check=False).returncode
