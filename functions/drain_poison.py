"""Drain: what failed five times becomes a dead letter."""

import azure.functions as func

from functions.work import run_poison
from shared import services
from shared.errors import Transient
from shared.telemetry import warning

BLUEPRINT = func.Blueprint()


# A timer and not a queue trigger: what a sender did not encode as host.json says never reaches a trigger, and the
# platform moves it here, where it would be forgotten after a week.
@BLUEPRINT.function_name("drain_external_poison")
@BLUEPRINT.timer_trigger("timer", schedule="%SWEEP_INBOUND_SCHEDULE%", run_on_startup=False, use_monitor=False)
async def drain_external_poison(timer: func.TimerRequest) -> None:  # noqa: ARG001 # the binding's name
    """Keep external messages that could not be accepted, and say of every poison queue what waits in it."""
    from shared.ingestion.drain import FAILED, NOT_BASE64
    from shared.models.work import QueueName

    hub = services.current()

    async def keep(body: bytes, encoded: bool) -> None:  # noqa: FBT001 # as the queue tells it
        await hub.drain.drain(QueueName.EXTERNAL, body, FAILED if encoded else NOT_BASE64)

    try:
        for queue in QueueName:
            waiting = await hub.queues.poison_depth(queue)
            if waiting:
                warning("poison.waiting", queue=queue, messages=waiting)
        await hub.queues.drain_poison(QueueName.EXTERNAL, keep)
    except Transient as error:
        warning("drain_external_poison.later", why=error)


@BLUEPRINT.function_name("drain_inbound_poison")
@BLUEPRINT.queue_trigger("message", queue_name="inbound-messages-poison", connection="HubStorage")
async def drain_inbound_poison(message: func.QueueMessage) -> None:
    """Keep a delivery that could not be stored."""
    from shared.models.work import QueueName

    await run_poison(QueueName.INBOUND, message)


@BLUEPRINT.function_name("drain_message_poison")
@BLUEPRINT.queue_trigger("message", queue_name="message-analysis-poison", connection="HubStorage")
async def drain_message_poison(message: func.QueueMessage) -> None:
    """Keep a message that could not be analysed."""
    from shared.models.work import QueueName

    await run_poison(QueueName.MESSAGE_ANALYSIS, message)


@BLUEPRINT.function_name("drain_attachment_poison")
@BLUEPRINT.queue_trigger("message", queue_name="attachment-analysis-poison", connection="HubStorage")
async def drain_attachment_poison(message: func.QueueMessage) -> None:
    """Keep an attachment that could not be analysed."""
    from shared.models.work import QueueName

    await run_poison(QueueName.ATTACHMENT_ANALYSIS, message)
