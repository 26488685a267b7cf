"""Publish: sources whose newest version ingest can't see yet."""

import azure.functions as func

from shared import services
from shared.errors import Transient
from shared.telemetry import warning

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("publish_sources")
@BLUEPRINT.timer_trigger("timer", schedule="%PUBLISH_SOURCES_SCHEDULE%", run_on_startup=False, use_monitor=False)
async def publish_sources(timer: func.TimerRequest) -> None:  # noqa: ARG001 # the binding's name
    """Write them to Blob. A store that is away is met at the next run."""
    from shared.ingestion.sources import publish_sources as publish

    hub = services.current()
    try:
        await publish(hub.postgres, hub.blobs)
    except Transient as error:
        warning("publish_sources.later", why=error)
