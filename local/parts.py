import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from shared.services import Services
from shared.settings import Settings

Found = TypeVar("Found")


def ask(settings: Mapping[str, str], work: Callable[[Services], Awaitable[Found]]) -> Found:
    """Do some work with the app's parts under app settings, and close them. Raises what the work raises."""

    async def run() -> Found:
        hub = Services(Settings(**settings))  # type: ignore[arg-type] # names and texts as in the environment
        try:
            return await work(hub)
        finally:
            await hub.close()

    return asyncio.run(run())
