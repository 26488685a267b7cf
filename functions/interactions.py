"""Read and delete: single interactions."""

import azure.functions as func

from functions.requests import id_of, project_of
from functions.responses import answers, of_view
from shared import services
from shared.identifiers import InteractionId

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("get_interaction")
@BLUEPRINT.route("v1/interactions/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_interaction(req: func.HttpRequest) -> func.HttpResponse:
    """Return one interaction with its analysis and attachments."""
    return of_view(await services.current().history.interaction(project_of(req), id_of(req)))


@BLUEPRINT.function_name("delete_interaction")
@BLUEPRINT.route("v1/interactions/{id}", methods=["DELETE"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def delete_interaction(req: func.HttpRequest) -> func.HttpResponse:
    """Delete one interaction: a tombstone in Cosmos DB, gone from every read."""
    await services.current().deletion.delete(project_of(req), InteractionId(id_of(req)))
    return func.HttpResponse(status_code=204)
