"""Health: whether every store answers."""

import asyncio
from collections.abc import Awaitable, Callable

import azure.functions as func

from functions.responses import answers, of_view
from shared import services
from shared.errors import HubError

BLUEPRINT = func.Blueprint()
DEADLINE_SECONDS = 3


@BLUEPRINT.function_name("health")
@BLUEPRINT.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 # the binding's name
    """Ask each store, with a deadline; 503 while one is away."""
    from shared.models.views import HealthView

    hub = services.current()
    stores: dict[str, Callable[[], Awaitable[None]]] = {
        "blobs": hub.blobs.check,
        "queues": hub.queues.check,
        "postgres": hub.postgres.check,
        "cosmos": hub.documents.check,
    }
    if hub.settings.secret_keys_wrapped_by:
        stores["keys"] = hub.vault.ready
    said = await asyncio.gather(*(_ask(check) for check in stores.values()))
    checks = dict(zip(stores, said, strict=True))
    healthy = all(word == "ok" for word in said)
    return of_view(HealthView(status="ok" if healthy else "degraded", checks=checks), status=200 if healthy else 503)


async def _ask(check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await check()
    except TimeoutError:
        return f"no answer in {DEADLINE_SECONDS} s"
    except HubError:
        return "away"
    return "ok"
