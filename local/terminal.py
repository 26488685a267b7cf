"""What the commands print: each step with its duration, each failure with what to do."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from local.trouble import Trouble

Step = Callable[[str], AbstractContextManager[None]]


def quiet(_: str) -> AbstractContextManager[None]:
    """A step that prints nothing: for tests and nested work."""
    return nullcontext()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print `name …` while the block runs and its duration after it, e.g. `Postgres 18 … 0.9 s`."""
    print(f"{name} … ", end="", flush=True)
    started = time.perf_counter()
    try:
        yield
    except BaseException:  # raised again: an interrupted step says how long it took, too
        print(f"failed after {time.perf_counter() - started:.1f} s", flush=True)
        raise
    print(f"{time.perf_counter() - started:.1f} s", flush=True)


def explain(trouble: Trouble) -> None:
    """Print on standard error: the log's last lines, then what happened, then what to do."""
    if trouble.log:
        print(trouble.log, file=sys.stderr)
    print(f"error: {trouble.what}\n       {trouble.do}", file=sys.stderr, flush=True)
