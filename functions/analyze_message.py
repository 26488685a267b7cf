"""Analyse: what a message says."""

from typing import TYPE_CHECKING

import azure.functions as func

from functions.work import run_step
from shared.services import Services

if TYPE_CHECKING:
    from shared.models.work import AskedMessage

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("analyze_message")
@BLUEPRINT.queue_trigger("message", queue_name="message-analysis", connection="HubStorage")
async def analyze_message(message: func.QueueMessage) -> None:
    """Analyse one message."""
    from shared.models.work import AskedMessage, QueueName

    await run_step(QueueName.MESSAGE_ANALYSIS, AskedMessage, message, _analyze)


async def _analyze(hub: Services, asked: "AskedMessage") -> None:
    await hub.message_analyst.analyze(await hub.subjects.message(asked))
