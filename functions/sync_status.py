"""Whether both stores agree: of all projects, so for an operator of the hub, with the admin key (ADR 0010)."""

import azure.functions as func

from functions.responses import answers, of_view
from shared import services

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("sync_status")
@BLUEPRINT.route("v1/sync/status", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
@answers
async def sync_status(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 # the binding's name
    """Say how far the reader came, what both stores differ in, and what waits for an operator."""
    return of_view(await services.current().sync_status.read())
