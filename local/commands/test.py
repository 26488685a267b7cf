import subprocess
import sys
import time
from collections.abc import Sequence

from local.checkout import CHECKOUT


def main(argv: Sequence[str]) -> int:
    """Run pytest with `argv` over every tier, print how long it took, return its exit code."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "pytest", *argv], cwd=CHECKOUT, check=False)
    verdict = "passed" if done.returncode == 0 else f"failed (pytest status {done.returncode})"
    print(f"Tests {verdict} … {time.perf_counter() - started:.1f} s", flush=True)
    return done.returncode
