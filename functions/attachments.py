"""Read: the bytes of attachments."""

from urllib.parse import quote

import azure.functions as func

from functions.requests import id_of, project_of
from functions.responses import answers
from shared import services

BLUEPRINT = func.Blueprint()

# What a browser may be told; anything else is bytes. Never SVG or HTML: they run scripts.
SHOWN_AS_DECLARED = {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"}


@BLUEPRINT.function_name("get_attachment")
@BLUEPRINT.route("v1/attachments/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_attachment(req: func.HttpRequest) -> func.HttpResponse:
    """Return an attachment as a download."""
    file = await services.current().history.file(project_of(req), id_of(req))
    shown = file.content_type if file.content_type in SHOWN_AS_DECLARED else "application/octet-stream"
    return func.HttpResponse(
        file.raw,
        mimetype=shown,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        },
    )
