"""Read, correct and delete: single interactions."""

from typing import TYPE_CHECKING

import azure.functions as func

from functions.requests import MERGE_PATCH, id_of, json_of, project_of
from functions.responses import answers, of_view
from shared import services
from shared.identifiers import InteractionId

if TYPE_CHECKING:
    from shared.models.views import InteractionView

BLUEPRINT = func.Blueprint()
MAX_PATCH_BYTES = 2 * 1024 * 1024  # content and metadata at their limits, each character escaped


@BLUEPRINT.function_name("get_interaction")
@BLUEPRINT.route("v1/interactions/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_interaction(req: func.HttpRequest) -> func.HttpResponse:
    """Return one interaction with its analysis and attachments; its ETag is for correcting it."""
    return _with_etag(await services.current().history.interaction(project_of(req), id_of(req)))


@BLUEPRINT.function_name("correct_interaction")
@BLUEPRINT.route("v1/interactions/{id}", methods=["PATCH"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def correct_interaction(req: func.HttpRequest) -> func.HttpResponse:
    """Correct shared fields of the interaction that `If-Match` names, by a JSON merge patch."""
    from shared.inbox.etags import read_if_match
    from shared.ingestion.json_body import read_json
    from shared.models.corrections import Correction

    if_match = read_if_match(req.headers.get("if-match"))
    patch, _ = read_json(json_of(req, max_bytes=MAX_PATCH_BYTES, media_types=MERGE_PATCH), Correction)
    corrections, interaction = services.current().corrections, InteractionId(id_of(req))
    return _with_etag(await corrections.correct(project_of(req), interaction, patch, if_match))


@BLUEPRINT.function_name("delete_interaction")
@BLUEPRINT.route("v1/interactions/{id}", methods=["DELETE"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def delete_interaction(req: func.HttpRequest) -> func.HttpResponse:
    """Delete one interaction: a tombstone in Cosmos DB, gone from every read."""
    await services.current().deletion.delete(project_of(req), InteractionId(id_of(req)))
    return func.HttpResponse(status_code=204)


def _with_etag(view: "InteractionView") -> func.HttpResponse:
    answer = of_view(view)
    if view.etag:
        answer.headers["ETag"] = view.etag
    return answer
