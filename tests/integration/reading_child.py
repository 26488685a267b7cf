"""One run of the reader in a process of its own, to be killed: settings and FAILPOINTS in the environment."""

import asyncio
import sys
from dataclasses import replace

from shared import services
from shared.sync.pull import Budget


async def main(page_size: int) -> None:
    hub = services.current()
    await replace(hub.pull_reader, budget=Budget(page_size=page_size)).sweep()
    await hub.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
