"""`python -m local.host --settings FILE --port N`: run the app in `--root` until SIGTERM or Ctrl-C.

Prints `ready http://ADDRESS:PORT` on standard output once every trigger listens; everything else goes to standard
error. Exit code 1 with one line when the app can't run as it is, 0 after a stop.
"""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from local.host.configuration import apply_settings, load_host_json, load_options, load_settings
from local.host.host import Host, describe
from shared import failpoints
from shared.errors import Misconfigured

log = logging.getLogger("local.host")
_ADDRESS = "127.0.0.1"
_LAST_CALLS = 5


def main() -> int:
    """Run the host; return the exit code."""
    arguments = _arguments()
    try:
        if arguments.settings is not None:
            apply_settings(load_settings(arguments.settings))
        failpoints.check()
        return asyncio.run(_serve(arguments.root.resolve(), arguments.port))
    except Misconfigured as error:
        print(f"the host can't start: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"the host can't listen on port {arguments.port}: {error}", file=sys.stderr)
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description="Development Functions host.")
    parser.add_argument("--settings", type=Path, help="app settings in the form of local.settings.json")
    parser.add_argument("--port", type=int, default=7071, help="HTTP port, 0 for a free one (default: %(default)s)")
    parser.add_argument(
        "--root", type=Path, default=Path(), help="folder of function_app.py and host.json (default: .)"
    )
    return parser.parse_args()


async def _serve(root: Path, port: int) -> int:
    options = load_options()
    _log_to_stderr(options.log_level)
    host = Host(root, load_host_json(root), options)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = await host.start(_ADDRESS, port)
    for function in host.functions:
        log.info("%s", describe(function))
    print(f"ready http://{_ADDRESS}:{port}", flush=True)
    await stop.wait()
    log.info("stopping")
    await host.stop()
    # The app's clients live as long as its process, as in Azure; asyncio would name each of them at the end.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    await _end_the_rest()
    return 0


async def _end_the_rest() -> None:
    """Cancel what the app left running, more than once.

    `asyncio.run` cancels once and then waits for ever; a worker of psycopg's pool that is at work takes one
    cancellation for a failure of that work, and goes on.
    """
    for _ in range(_LAST_CALLS):
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        if not rest or not (await asyncio.wait(rest, timeout=1))[1]:
            return


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # The SDKs log every request at INFO.
    logging.getLogger("azure").setLevel(max(logging.WARNING, logging.getLevelName(level)))


if __name__ == "__main__":
    sys.exit(main())
