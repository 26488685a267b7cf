"""Reading requests: who asks for what, or a 4xx that names the parameter or header."""

from typing import TYPE_CHECKING
from uuid import UUID

import azure.functions as func

from shared.errors import Rejected
from shared.identifiers import ProjectId

if TYPE_CHECKING:
    from shared.ingestion.provider import WebhookRequest

JSON = ("application/json",)
MERGE_PATCH = ("application/merge-patch+json", *JSON)  # RFC 7396


def project_of(req: func.HttpRequest) -> ProjectId:
    """Return the tenant that the caller, a trusted backend, acts for: the header `X-Project-Id`."""
    text = req.headers.get("x-project-id", "")
    try:
        return ProjectId(UUID(text))
    except ValueError:
        raise Rejected(400, "X-Project-Id must be the project's UUID", field="X-Project-Id") from None


def id_of(req: func.HttpRequest) -> UUID:
    """Return the id in the route. What is no id is not found."""
    try:
        return UUID(req.route_params["id"])
    except ValueError:
        raise Rejected(404, "there is nothing with this id", field="id") from None


def uuid_parameter(req: func.HttpRequest, name: str) -> UUID | None:
    """Return a query parameter as UUID, or None when it is not given."""
    text = req.params.get(name)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Rejected(400, f"{name} must be a UUID", field=name) from None


def json_of(req: func.HttpRequest, *, max_bytes: int, media_types: tuple[str, ...] = JSON) -> bytes:
    """Return a JSON body of at most `max_bytes`. Raises Rejected 413 or 415."""
    if req.headers.get("content-type", "").partition(";")[0].strip().lower() not in media_types:
        raise Rejected(415, f"content-type must be {' or '.join(media_types)}", field="content-type")
    body = req.get_body()
    if len(body) > max_bytes:
        raise Rejected(413, f"the body is larger than {max_bytes} bytes", field="body")
    return body


def idempotency_key(req: func.HttpRequest) -> str | None:
    """Return the caller's `Idempotency-Key`: the same call again does nothing more."""
    key: str | None = req.headers.get("idempotency-key")
    if key is not None and not (key.isascii() and key.isprintable() and 0 < len(key) <= 255):
        raise Rejected(400, "Idempotency-Key must be 1 to 255 printable ASCII characters", field="Idempotency-Key")
    return key


def webhook_of(req: func.HttpRequest) -> "WebhookRequest":
    """Return a webhook call with its exact bytes."""
    from shared.ingestion.provider import WebhookRequest

    headers = {name.lower(): value for name, value in req.headers.items()}
    return WebhookRequest(headers, dict(req.params), req.get_body())
