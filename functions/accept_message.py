"""Accept: messages that other Azure services put into a queue."""

from typing import TYPE_CHECKING

import azure.functions as func

from functions.work import run_step
from shared.services import Services

if TYPE_CHECKING:
    from shared.models.external import ExternalMessage

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("accept_message")
@BLUEPRINT.queue_trigger("message", queue_name="external-messages", connection="HubStorage")
async def accept_message(message: func.QueueMessage) -> None:
    """Accept one message; the source decides project and format."""
    from shared.models.external import ExternalMessage
    from shared.models.work import QueueName

    await run_step(QueueName.EXTERNAL, ExternalMessage, message, _accept)


async def _accept(hub: Services, message: "ExternalMessage") -> None:
    await hub.external.accept(message)
