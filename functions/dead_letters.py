"""Dead letters of a project: list, inspect, replay, discard."""

import azure.functions as func

from functions.requests import id_of, json_of, project_of
from functions.responses import answers, of_view
from shared import services
from shared.identifiers import ProjectId

BLUEPRINT = func.Blueprint()
MAX_BODY_BYTES = 16 * 1024


@BLUEPRINT.function_name("list_dead_letters")
@BLUEPRINT.route("v1/dead-letters", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def list_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """List the project's dead letters."""
    return await listed(req, project_of(req))


@BLUEPRINT.function_name("get_dead_letter")
@BLUEPRINT.route("v1/dead-letters/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Return one dead letter."""
    return of_view(await services.current().dead_letters.get(project_of(req), id_of(req)))


@BLUEPRINT.function_name("replay_dead_letter")
@BLUEPRINT.route("v1/dead-letters/{id}/replay", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def replay_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Do a dead letter's work again."""
    return of_view(await services.current().dead_letters.replay(project_of(req), id_of(req)))


@BLUEPRINT.function_name("replay_dead_letters")
@BLUEPRINT.route("v1/dead-letters/replay", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def replay_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """Do the work of many dead letters again."""
    return await replayed(req, project_of(req))


@BLUEPRINT.function_name("discard_dead_letter")
@BLUEPRINT.route("v1/dead-letters/{id}/discard", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def discard_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Mark a dead letter as needing no more work."""
    return await discarded(req, project_of(req))


async def listed(req: func.HttpRequest, scope: ProjectId | None) -> func.HttpResponse:
    """Answer with a page of the letters of a project, or of none."""
    from shared.inbox.cursors import read_cursor

    page = read_cursor(req.params.get("cursor"), req.params.get("limit"))
    desk = services.current().dead_letters
    return of_view(await desk.page(scope, page, state=req.params.get("state"), stage=req.params.get("stage")))


async def replayed(req: func.HttpRequest, scope: ProjectId | None) -> func.HttpResponse:
    """Replay those that the body names, and say what became of each."""
    from shared.ingestion.json_body import read_json
    from shared.models.dead_letters import ReplayIn

    wanted, _ = read_json(json_of(req, max_bytes=MAX_BODY_BYTES), ReplayIn)
    return of_view(await services.current().dead_letters.replay_many(scope, wanted))


async def discarded(req: func.HttpRequest, scope: ProjectId | None) -> func.HttpResponse:
    """Discard one with the body's reason."""
    from shared.ingestion.json_body import read_json
    from shared.models.dead_letters import DiscardIn

    why, _ = read_json(json_of(req, max_bytes=MAX_BODY_BYTES), DiscardIn)
    return of_view(await services.current().dead_letters.discard(scope, id_of(req), why.reason))
