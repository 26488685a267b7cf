"""Sync, proved: the pull reader follows the change feed with a position of its own."""

import azure.functions as func

from shared import services
from shared.errors import Transient
from shared.telemetry import warning

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("sweep_changes")
@BLUEPRINT.timer_trigger("timer", schedule="%SWEEP_CHANGES_SCHEDULE%", run_on_startup=False, use_monitor=False)
async def sweep_changes(timer: func.TimerRequest) -> None:  # noqa: ARG001 # the binding's name
    """Read on where the last run ended, then look how far behind the reader is."""
    try:
        await services.current().pull_reader.sweep()
    finally:
        # Whatever ended the run: an alarm is due the more, the less the reader gets on.
        await watch_lag()


async def watch_lag() -> None:
    """Look how far behind the reader is; while Postgres is away the next run does."""
    try:
        await services.current().sync_status.watch()
    except Transient as error:
        warning("feed_lag.later", why=error)
