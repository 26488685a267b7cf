"""Dead letters that belong to no project: for an operator of the hub, with the admin key (ADR 0010)."""

import azure.functions as func

from functions.dead_letters import discarded, listed, replayed
from functions.requests import id_of
from functions.responses import answers, of_view
from shared import services

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("list_orphan_dead_letters")
@BLUEPRINT.route("v1/operator/dead-letters", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
@answers
async def list_orphan_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """List the dead letters of no project."""
    return await listed(req, None)


@BLUEPRINT.function_name("get_orphan_dead_letter")
@BLUEPRINT.route("v1/operator/dead-letters/{id}", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
@answers
async def get_orphan_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Return one of them."""
    return of_view(await services.current().dead_letters.get(None, id_of(req)))


@BLUEPRINT.function_name("replay_orphan_dead_letter")
@BLUEPRINT.route("v1/operator/dead-letters/{id}/replay", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
@answers
async def replay_orphan_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Do the work of one of them again."""
    return of_view(await services.current().dead_letters.replay(None, id_of(req)))


@BLUEPRINT.function_name("replay_orphan_dead_letters")
@BLUEPRINT.route("v1/operator/dead-letters/replay", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
@answers
async def replay_orphan_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """Do the work of many of them again."""
    return await replayed(req, None)


@BLUEPRINT.function_name("discard_orphan_dead_letter")
@BLUEPRINT.route("v1/operator/dead-letters/{id}/discard", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
@answers
async def discard_orphan_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Mark one of them as needing no more work."""
    return await discarded(req, None)
