"""`python -m local COMMAND [ARGUMENT...]`, called by `./dev`."""

import sys
from importlib import import_module

from local.commands import COMMANDS
from local.terminal import explain
from local.trouble import Trouble

STOPPED_BY_USER = 130


def main(argv: list[str]) -> int:
    """Run the command named first (`help` when there is none) and return its exit code."""
    name, *rest = argv or ["help"]
    if name in {"-h", "--help"} or name not in COMMANDS:
        name, rest = "help", [name]
    try:
        code: int = import_module(f"local.commands.{name.replace('-', '_')}").main(rest)
    except Trouble as trouble:
        explain(trouble)
        return 1
    except PermissionError as error:
        what = f"{error.filename} can't be written"
        explain(Trouble(what, do="Was ./dev run as another user before? Give the checkout to one user, or use two."))
        return 1
    except KeyboardInterrupt:
        return STOPPED_BY_USER
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
