"""Where the demo happens: a stack of its own with a demo project in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from local.demo.client import Endpoint
from local.demo.progress import step
from local.demo.samples import Channel
from local.demo.stores import Places


@dataclass(frozen=True, slots=True)
class Place:
    """A running hub: its address and function key, the sources of the demo project, and its stores."""

    base_url: str
    key: str
    endpoints: Mapping[Channel, Endpoint]
    stores: Places


@contextmanager
def running(state: Path, console: Console) -> Iterator[Place]:
    """Start a stack and a host in `state`, make the demo project, and stop both at the end."""
    from local.stack.host import HostProcess
    from local.stack.stack import Stack

    stack = Stack(state)
    try:
        stack.start(on_step=partial(step, console))
        yield None  # type: ignore[misc]
    finally:
        with step(console, "Stopping the stack"):
            stack.stop()
