"""One run of the reconciler in a process of its own, which `FAILPOINTS` may kill: small windows, of all that is old."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from shared import services
from shared.sync.reconcile import Policy


async def main() -> None:
    hub = services.current()
    try:
        await replace(hub.reconciler, policy=Policy(window=10, page=5, young=timedelta(0))).run()
    finally:
        await hub.close()


if __name__ == "__main__":
    asyncio.run(main())
