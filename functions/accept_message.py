"""Accept: messages that other Azure services put into a queue."""

import azure.functions as func

from functions.work import run_step
from shared.models.external import ExternalMessage
from shared.models.work import QueueName
from shared.services import Services

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("accept_message")
@BLUEPRINT.queue_trigger("message", queue_name="external-messages", connection="HubStorage")
async def accept_message(message: func.QueueMessage) -> None:
    """Accept one message; the source decides project and format."""
    await run_step(QueueName.EXTERNAL, ExternalMessage, message, _accept)


async def _accept(hub: Services, message: ExternalMessage) -> None:
    await hub.external.accept(message)
