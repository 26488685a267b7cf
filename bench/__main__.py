"""`python -m bench [NAME ...] [--json]`: measure, print a table each, or with `--json` one object of all figures."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from bench.figures import Result
from bench.machine import this_machine
from bench.progress import say
from bench.table import describe
from local.terminal import explain
from local.trouble import Trouble

BENCHMARKS: Mapping[str, str] = {
    "ingest": "webhooks a second through the app, against the storage SDK alone",
    "import": "importing the app, against importing azure.functions",
    "parsing": "reading raw mails, against the standard library's parser",
    "sync": "applying documents of the change feed, against COPY into the same table and into a bare one",
    "reconcile": "comparing both stores of 100,000 interactions, against reading both",
    "end_to_end": "a burst of messages from webhook to analysis, against the app's parts without host and queue",
    "analysis": "what the engines understand of 120 labelled messages: a regression set, not a claim",
}
MODULES = {
    "ingest": "bench.ingest",
    "import": "bench.imports",
    "parsing": "bench.parsing",
    "sync": "bench.sync",
    "reconcile": "bench.reconcile",
    "end_to_end": "bench.end_to_end",
    "analysis": "bench.analysis",
}


def main(argv: list[str]) -> int:
    """Run the named benchmarks, all of them without a name; 1 when one can't run."""
    arguments = _arguments(argv)
    machine = this_machine()
    figures: dict[str, float] = {}
    for name in arguments.names or BENCHMARKS:
        say(f"{name}: {BENCHMARKS[name]} …")
        measure: Callable[[], Result] = import_module(MODULES[name]).measure
        try:
            result = measure()
        except Trouble as trouble:
            explain(trouble)
            return 1
        print(describe(name, result, machine), file=sys.stderr if arguments.json else sys.stdout, flush=True)
        figures |= result.numbers()
    if arguments.json:
        print(json.dumps(figures))
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    listed = "\n".join(f"  {name:<12}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="./dev bench", epilog=f"benchmarks:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # No `choices`: argparse refuses an empty list against them.
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure (default: everything)")
    parser.add_argument("--json", action="store_true", help="print one JSON object of figures on standard output")
    arguments = parser.parse_args(argv)
    if unknown := [name for name in arguments.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
