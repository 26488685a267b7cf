"""Store: a raw delivery becomes history."""

from typing import TYPE_CHECKING

import azure.functions as func

from functions.work import run_step
from shared.services import Services

if TYPE_CHECKING:
    from shared.models.work import DeliveryWork

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("store_message")
@BLUEPRINT.queue_trigger("message", queue_name="inbound-messages", connection="HubStorage")
async def store_message(message: func.QueueMessage) -> None:
    """Store every message of one delivery."""
    from shared.models.work import DeliveryWork, QueueName

    await run_step(QueueName.INBOUND, DeliveryWork, message, _store)


async def _store(hub: Services, work: "DeliveryWork") -> None:
    await hub.store.store(work)
