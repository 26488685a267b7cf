"""Reconcile: both stores are compared, and what differs is repaired from Cosmos DB."""

import azure.functions as func

from functions.sweep_changes import watch_lag
from shared import services
from shared.errors import Transient
from shared.telemetry import warning

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("reconcile_stores")
@BLUEPRINT.timer_trigger("timer", schedule="%RECONCILE_STORES_SCHEDULE%", run_on_startup=False, use_monitor=False)
async def reconcile_stores(timer: func.TimerRequest) -> None:  # noqa: ARG001 # the binding's name
    """Compare the next part. A store that is away is met at the next run."""
    try:
        await services.current().reconciler.run()
    except Transient as error:
        warning("reconcile_stores.later", why=error)
    finally:
        # A reader that does not run at all raises no alarm of its own.
        await watch_lag()
