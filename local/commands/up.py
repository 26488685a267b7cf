import argparse
import signal
import time
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from local import terminal
from local.checkout import UP
from local.model.choice import Model, add_model_option, model_for
from local.stack.host import HostProcess
from local.stack.log import ImportantLines
from local.stack.stack import Stack

if TYPE_CHECKING:
    from schema.demo_project import SeededProject

HOST_PORT = 7071  # where the Azure tools serve; another one when it is taken
LOOK_SECONDS = 0.25


def main(argv: Sequence[str]) -> int:
    """Run the stack and the host until Ctrl-C (0), or until one of their programs ends by itself (Trouble)."""
    parser = argparse.ArgumentParser(prog="./dev up", description=main.__doc__)
    add_model_option(parser)
    options = parser.parse_args(argv)
    # Ctrl-C too: a shell starts background jobs with it ignored.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    stack = up_stack()
    try:
        stack.start(terminal.step)
        with model_for(options.model, stack, terminal.step) as model:
            _run(stack, model)
    except KeyboardInterrupt:
        return 0
    finally:
        stack.stop(terminal.step)


def up_stack() -> Stack:
    """The stack of `./dev up`, not started."""
    return Stack(UP, preferred={"host": HOST_PORT})


def _run(stack: Stack, model: Model) -> NoReturn:
    from schema.demo_project import seed

    with terminal.step("Demo project"):
        demo = seed(stack.owner_dsn(), stack.settings)
    host = HostProcess(stack, settings=model.settings)
    try:
        with terminal.step(host.name):
            host.start()
        _announce(stack, host, model, demo)
        _watch(stack, host, model)
    except KeyboardInterrupt:
        print(flush=True)
        raise
    finally:
        if host.alive():
            with terminal.step(f"Stopping {host.name}"):
                host.stop()


def _announce(stack: Stack, host: HostProcess, model: Model, demo: "SeededProject") -> None:
    http = [*demo.sources.values(), demo.raw]
    addresses = "\n            ".join(f"{host.base_url}{source.path} ({source.format})" for source in http)
    queued = "\n            ".join(f"{source.id} ({source.format})" for source in demo.queues.values())
    print(
        f"""
  API       {host.base_url}/api/docs
  Health    {host.base_url}/api/health
  Ingest    {addresses}
            (signed; ./dev source add makes another and shows its secret and a call to try)
  Queue     external-messages, for the sources
            {queued}
            (docs/queues.md says what a message holds)
  Project   x-project-id: {demo.id}
  Key       x-functions-key: {host.key}
  Admin key x-functions-key: {host.admin_key} (what crosses projects: /api/v1/sync/status)
  Model     {model.says}
  Logs      {stack.logs}
  Postgres  {stack.postgres.dsn("hub")}

Ctrl-C stops everything and keeps the data. Warnings of the functions follow.
""",
        flush=True,
    )


def _watch(stack: Stack, host: HostProcess, model: Model) -> NoReturn:
    """Print the host's warnings and errors until one of the programs ends: Trouble names it."""
    important = ImportantLines(host.log)
    while True:
        for line in important.new():
            print(line, flush=True)
        others = (service for service in (host, model.service) if service and not service.alive())
        dead = stack.dead() or next(others, None)
        if dead:
            raise dead.ended()
        time.sleep(LOOK_SECONDS)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
