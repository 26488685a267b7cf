import subprocess
import sys
from collections.abc import Sequence

from local.checkout import CHECKOUT


def main(argv: Sequence[str]) -> int:
    """Run the named benchmarks, all without a name; with `--json` one JSON object is all of standard output."""
    return subprocess.run([sys.executable, "-m", "bench", *argv], cwd=CHECKOUT, check=False).returncode
