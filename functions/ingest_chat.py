"""Ingest: chat webhooks."""

import azure.functions as func

from functions.requests import webhook_of
from functions.responses import answers, of_provider
from shared import services

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("ingest_chat")
@BLUEPRINT.route("v1/ingest/chat/{source}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@answers
async def ingest_chat(req: func.HttpRequest) -> func.HttpResponse:
    """Accept a webhook call; the source decides the provider."""
    answer = await services.current().ingest.receive("chat", req.route_params["source"], webhook_of(req))
    return of_provider(answer)
