"""Answers over HTTP: the only place that chooses status codes for errors."""

import json
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.functions as func

from shared.errors import Rejected, Transient

if TYPE_CHECKING:
    from pydantic import BaseModel

    from shared.ingestion.provider import Answer

Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]
RETRY_AFTER_SECONDS = 5
PROBLEM = "application/problem+json"


def answers(handler: Handler) -> Handler:
    """Turn the errors of a handler into problem details (RFC 9457).

    Must stand below the `@BLUEPRINT` decorators and stay `async`: the host indexes what it wraps.
    """

    @wraps(handler)
    async def answering(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return await handler(req)
        except Rejected as error:
            return problem(error.status, error.detail, field=error.field, errors=error.errors)
        except Transient as error:
            logging.getLogger("hub").warning("http.transient %s", error)
            wait = error.retry_after.total_seconds() if error.retry_after else RETRY_AFTER_SECONDS
            return problem(503, "a part of the hub is away; try again", headers={"Retry-After": str(round(wait))})
        except Exception:  # the edge of the app: the caller gets problem details, the log the cause
            logging.getLogger("hub").exception("http.failed")
            return problem(500, "the hub can't do this; its log says why")

    return answering


def problem(
    status: int,
    detail: str,
    *,
    field: str | None = None,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> func.HttpResponse:
    """Return problem details; members that say nothing are left out."""
    body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body |= {"detail": detail}
    body |= {name: value for name, value in (("field", field), ("errors", errors)) if value}
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype=PROBLEM, headers=headers)


def of_provider(answer: "Answer") -> func.HttpResponse:
    """Return what a webhook's provider expects to hear."""
    return func.HttpResponse(
        answer.body, status_code=answer.status, mimetype=answer.content_type, headers=dict(answer.headers)
    )


def of_view(view: "BaseModel", *, status: int = 200) -> func.HttpResponse:
    """Return a view as JSON that no cache keeps: it holds personal data."""
    return func.HttpResponse(
        view.model_dump_json(by_alias=True),
        status_code=status,
        mimetype="application/json",
        headers={"Cache-Control": "no-store"},
    )
