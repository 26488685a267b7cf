import subprocess
import sys
from collections.abc import Sequence

from local.checkout import CHECKOUT
from local.trouble import Trouble

TARGETS = {"mime": "local.fuzz_mime"}


def main(argv: Sequence[str]) -> int:
    """Feed a parser what strangers might send: `mime [--seconds N] [--seed N]`; 1 when it breaks a promise."""
    name, *options = argv or [""]
    if name not in TARGETS:
        raise Trouble(f"there is nothing to fuzz called {name!r}", do=f"These are there: {', '.join(TARGETS)}.")
    # In a process of its own: what it takes of memory is measured, and the parser's alone.
    return subprocess.run([sys.executable, "-m", TARGETS[name], *options], cwd=CHECKOUT, check=False).returncode
