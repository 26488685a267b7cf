"""Store: a raw delivery becomes history."""

import azure.functions as func

from functions.work import run_step
from shared.models.work import DeliveryWork, QueueName
from shared.services import Services

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("store_message")
@BLUEPRINT.queue_trigger("message", queue_name="inbound-messages", connection="HubStorage")
async def store_message(message: func.QueueMessage) -> None:
    """Store every message of one delivery."""
    await run_step(QueueName.INBOUND, DeliveryWork, message, _store)


async def _store(hub: Services, work: DeliveryWork) -> None:
    await hub.store.store(work)
