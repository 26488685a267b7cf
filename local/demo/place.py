"""Where the demo happens: a stack of its own with a demo project in it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from local.demo.client import Endpoint
from local.demo.progress import step
from local.demo.samples import Way
from local.demo.stores import Places

if TYPE_CHECKING:
    from local.stack.stack import Stack
    from schema.demo_project import SeededProject, SeededSource


@dataclass(frozen=True, slots=True)
class Place:
    """A running hub: its address and function key, where the demo project takes webhooks, and its stores."""

    base_url: str
    key: str
    endpoints: Mapping[Way, Endpoint]
    stores: Places


def empty(state: Path) -> None:
    """Delete everything in a state directory but its lock. Raises Trouble while a stack runs in it."""
    from local.stack.lock import StateLock

    lock = StateLock(state / "lock")
    lock.take()
    try:
        for entry in state.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()
    finally:
        lock.release()


@contextmanager
def running(state: Path, console: Console, model_name: str) -> Iterator[Place]:
    """Start an empty stack and a host in `state`, make the demo project, and stop both at the end.

    The host asks the model of that name (`local.model.choice`), which is told on the console.
    """
    from local.model.choice import model_for
    from local.stack.host import HostProcess
    from local.stack.stack import Stack
    from schema.demo_project import seed

    on_step = partial(step, console)
    empty(state)
    with ExitStack() as undo:
        stack = Stack(state)
        stack.start(on_step=on_step)
        undo.callback(stack.stop, on_step=on_step)
        with on_step("Demo project"):
            project = seed(stack.owner_dsn(), stack.settings)
        model = undo.enter_context(model_for(model_name, stack, on_step))
        console.print(f"Model: {model.says}", highlight=False)
        host = HostProcess(stack, settings=model.settings)
        undo.callback(host.stop)
        with on_step(host.name):
            host.start()
        yield Place(host.base_url, host.key, _endpoints(project), _stores(stack, project))


def _endpoints(project: "SeededProject") -> Mapping[Way, Endpoint]:
    sources: dict[Way, SeededSource] = {
        "email": project.sources["email"],
        "chat": project.sources["chat"],
        "raw": project.raw,
    }
    return {way: Endpoint(source.path, source.secret) for way, source in sources.items()}


def _stores(stack: "Stack", project: "SeededProject") -> Places:
    settings = stack.settings
    return Places(
        # The application's own role sees one project at a time; an administrator counts what is really there.
        postgres_dsn=stack.postgres.dsn("hub"),
        storage=settings["HubStorage"],
        cosmos=settings["HubCosmos"],
        cosmos_database=settings["COSMOS_DATABASE"],
        project_id=str(project.id),
        raw_sources=frozenset({str(project.raw.id)}),
        queue_sources=frozenset(str(source.id) for source in project.queues.values()),
    )
