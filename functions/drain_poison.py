"""Drain: what failed five times becomes a dead letter."""

import azure.functions as func

from functions.work import run_poison
from shared.models.work import QueueName

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("drain_inbound_poison")
@BLUEPRINT.queue_trigger("message", queue_name="inbound-messages-poison", connection="HubStorage")
async def drain_inbound_poison(message: func.QueueMessage) -> None:
    """Keep a delivery that could not be stored."""
    await run_poison(QueueName.INBOUND, message)


@BLUEPRINT.function_name("drain_message_poison")
@BLUEPRINT.queue_trigger("message", queue_name="message-analysis-poison", connection="HubStorage")
async def drain_message_poison(message: func.QueueMessage) -> None:
    """Keep a message that could not be analysed."""
    await run_poison(QueueName.MESSAGE_ANALYSIS, message)


@BLUEPRINT.function_name("drain_attachment_poison")
@BLUEPRINT.queue_trigger("message", queue_name="attachment-analysis-poison", connection="HubStorage")
async def drain_attachment_poison(message: func.QueueMessage) -> None:
    """Keep an attachment that could not be analysed."""
    await run_poison(QueueName.ATTACHMENT_ANALYSIS, message)
