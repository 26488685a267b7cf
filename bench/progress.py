"""What a benchmark says while it runs: on standard error, because standard output is for what it found."""

import sys


def say(text: str) -> None:
    """Print one line for the person who waits."""
    print(text, file=sys.stderr, flush=True)
