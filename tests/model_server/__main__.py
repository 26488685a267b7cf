"""`python -m tests.model_server --port N`: the scripted server until SIGTERM; prints `ready URL` once it serves."""

import argparse
import asyncio
import signal

from tests.model_server.server import ModelServer


async def _serve(port: int, key: str) -> None:
    server, stop = ModelServer(key), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start(port)
    print(f"ready {server.base_url}", flush=True)  # noqa: T201 # who started it waits for this line
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.model_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default=ModelServer.key)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.key))
