"""Read: the HTML of messages."""

import azure.functions as func

from functions.requests import id_of, project_of
from functions.responses import answers
from shared import services

BLUEPRINT = func.Blueprint()

# A second wall behind the sanitiser: nothing runs, is styled, sent or fetched but pictures of the mail itself.
_POLICY = (
    "default-src 'none'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
)


@BLUEPRINT.function_name("get_interaction_html")
@BLUEPRINT.route("v1/interactions/{id}/html", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_interaction_html(req: func.HttpRequest) -> func.HttpResponse:
    """Return an interaction's HTML, which was made safe when it was stored."""
    html = await services.current().history.html(project_of(req), id_of(req))
    return func.HttpResponse(
        f'<!doctype html><meta charset="utf-8">{html}',
        mimetype="text/html",
        charset="utf-8",
        headers={
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        },
    )
