"""Sweep: deliveries that were accepted and that nobody is storing."""

import azure.functions as func

from shared import services
from shared.errors import Transient
from shared.telemetry import warning

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("sweep_inbound")
@BLUEPRINT.timer_trigger("timer", schedule="%SWEEP_INBOUND_SCHEDULE%", run_on_startup=False, use_monitor=False)
async def sweep_inbound(timer: func.TimerRequest) -> None:  # noqa: ARG001 # the binding's name
    """Enqueue them again. A store that is away is met at the next run."""
    try:
        await services.current().sweep.sweep()
    except Transient as error:
        warning("sweep_inbound.later", why=error)
