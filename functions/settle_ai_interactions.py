"""Keep up: the log of model calls."""

import azure.functions as func

from shared import services
from shared.errors import Transient
from shared.telemetry import warning

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("settle_ai_interactions")
@BLUEPRINT.timer_trigger("timer", schedule="%SETTLE_AI_INTERACTIONS_SCHEDULE%", run_on_startup=False, use_monitor=False)
async def settle_ai_interactions(timer: func.TimerRequest) -> None:  # noqa: ARG001 # the binding's name
    """Settle calls whose worker is gone, and let go of what is old. A store that is away is met at the next run."""
    try:
        await services.current().log_upkeep.run()
    except Transient as error:
        warning("settle_ai_interactions.later", why=error)
