"""What the operator does on a new hub, in a process of its own: the first key, a project and its sources."""

import asyncio
import dataclasses
import json
import os
import sys

from local.azure.keys import make_first_key
from schema.demo_project import seed
from shared.services import Services
from shared.settings import Settings


async def first_key(settings: Settings) -> bool:
    hub = Services(settings)
    try:
        return await make_first_key(hub)
    finally:
        await hub.close()


if __name__ == "__main__":
    settings = dict(os.environ)
    made = [asyncio.run(first_key(Settings(**settings))) for _ in range(2)]  # type: ignore[arg-type] # as in the environment
    assert made == [True, False]
    sys.stdout.write(json.dumps(dataclasses.asdict(seed(sys.argv[1], settings, "Deployed")), default=str))
