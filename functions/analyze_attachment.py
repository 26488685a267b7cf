"""Analyse: what an image shows."""

from typing import TYPE_CHECKING

import azure.functions as func

from functions.work import run_step
from shared.services import Services

if TYPE_CHECKING:
    from shared.models.work import AskedAttachment

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("analyze_attachment")
@BLUEPRINT.queue_trigger("message", queue_name="attachment-analysis", connection="HubStorage")
async def analyze_attachment(message: func.QueueMessage) -> None:
    """Analyse one attachment."""
    from shared.models.work import AskedAttachment, QueueName

    await run_step(QueueName.ATTACHMENT_ANALYSIS, AskedAttachment, message, _analyze)


async def _analyze(hub: Services, asked: "AskedAttachment") -> None:
    await hub.attachment_analyst.analyze(await hub.subjects.attachment(asked))
