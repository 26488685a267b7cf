import subprocess
import sys
import time
from collections.abc import Sequence

from local.checkout import CHECKOUT
from local.trouble import Trouble

LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = {
    "Format (ruff format)": ("-m", "ruff", "format", "--check", "."),
    "Lint (ruff check)": ("-m", "ruff", "check", "."),
    "Types (mypy)": ("-m", "mypy"),
    "Imports point down (lint-imports)": ("-c", LINT_IMPORTS),
}
MEND = "The lines above say where; ./dev check --fix mends format and simple lint."
FIXES = (("-m", "ruff", "check", "--fix", "--quiet", "."), ("-m", "ruff", "format", "--quiet", "."))


def main(argv: Sequence[str]) -> int:
    """Run every check, also after one failed; Trouble when any did. `--fix` first mends what ruff can mend."""
    if "--fix" in argv:
        for fix in FIXES:
            subprocess.run([sys.executable, *fix], cwd=CHECKOUT, check=False)
    failed = [name for name, arguments in CHECKS.items() if not _run(name, arguments)]
    if failed:
        raise Trouble(f"failed: {', '.join(failed)}", do=MEND)
    return 0


def _run(name: str, arguments: Sequence[str]) -> bool:
    print(f"{name} … ", end="", flush=True)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    passed = done.returncode == 0
    print(f"{'' if passed else 'FAILED after '}{time.perf_counter() - started:.1f} s", flush=True)
    if not passed:
        print(done.stdout, flush=True)
    return passed
