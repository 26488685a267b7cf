"""`python -m tests.integration.analyzing_worker WORK`: one worker that analyses one message, to be killed."""

import asyncio
import sys

from shared import services
from shared.models.work import MessageWork


async def _analyze(work: MessageWork) -> None:
    hub = services.current()
    try:
        await hub.message_analyst.analyze(work)
    finally:
        await hub.close()


if __name__ == "__main__":
    asyncio.run(_analyze(MessageWork.model_validate_json(sys.argv[1])))
