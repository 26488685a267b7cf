import sys
from collections.abc import Sequence

from local.commands import COMMANDS

ASKED = {"help", "-h", "--help"}


def main(argv: Sequence[str]) -> int:
    """List the commands; 2 when it is shown because `argv` names an unknown one."""
    unknown = next((name for name in argv if name not in ASKED | COMMANDS.keys()), None)
    width = max(map(len, COMMANDS))
    if unknown:
        print(f"error: there is no command {unknown!r}\n       These are the commands:", file=sys.stderr)
    else:
        print("usage: ./dev COMMAND [ARGUMENT...]\n")
    for name, summary in COMMANDS.items():
        print(f"  {name:<{width}}  {summary}", file=sys.stderr if unknown else sys.stdout)
    return 2 if unknown else 0
