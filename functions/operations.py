"""The HTTP API as a table: what each route takes and answers. The OpenAPI description is made of it."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from functions.requests import MERGE_PATCH
from shared.models.ai_interactions import AiInteractionBodyView, AiInteractionView, AiUsageView
from shared.models.corrections import Correction
from shared.models.dead_letters import DeadLetterView, DiscardIn, ReplayedView, ReplayIn
from shared.models.views import (
    AcceptedView,
    ContactView,
    ContextView,
    DeliveryView,
    FactView,
    HealthView,
    InteractionView,
    NewFact,
    Page,
    SyncStatusView,
)
from shared.models.webhooks import ChatIn, EmailIn


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in path, query or header."""

    name: str
    place: str
    description: str
    required: bool = False
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One route and method. `answer` None is an answer without JSON; `admin` asks for the admin key."""

    function: str
    method: str
    path: str
    summary: str
    answer: type[BaseModel] | None
    status: int = 200
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    anonymous: bool = False
    admin: bool = False
    media_type: str = "application/json"
    raw_bodies: tuple[str, ...] = ()  # media types of bodies that are bytes, beside the JSON one
    json_bodies: tuple[str, ...] = ("application/json",)
    etag: bool = False  # the answer has an ETag


ID = Parameter("id", "path", "The id", required=True, format="uuid")
PROJECT = Parameter("X-Project-Id", "header", "The project (tenant) to act for", required=True, format="uuid")
LIMIT = Parameter("limit", "query", "Rows of a page, 1 to 100, 20 when not given")
CURSOR = Parameter("cursor", "query", "`nextCursor` of the page before")
SOURCE = Parameter("source", "path", "The source's id; it decides project and provider", required=True, format="uuid")
IF_MATCH = Parameter("If-Match", "header", "The ETag of the interaction as it was read", required=True)
SIGNATURE = (
    Parameter("webhook-id", "header", "Standard Webhooks: the same at every retry", required=True),
    Parameter("webhook-timestamp", "header", "Standard Webhooks: seconds since 1970, within 5 minutes", required=True),
    Parameter("webhook-signature", "header", "Standard Webhooks: `v1,<base64 HMAC-SHA256>`", required=True),
)
INGEST_ERRORS = (400, 401, 404, 413, 415, 422, 503)
READ_ERRORS = (400, 404, 503)
LETTERS = (
    Parameter("state", "query", "open, replayed or discarded; all when not given"),
    Parameter("stage", "query", "The step that failed, such as store_message"),
    LIMIT, CURSOR,
)  # fmt: skip
WINDOW = (
    Parameter("from", "query", "The first moment, ISO 8601", format="date-time"),
    Parameter("to", "query", "The first moment behind the window, ISO 8601", format="date-time"),
)
DECIDE_ERRORS = (*READ_ERRORS, 409)
BODY_ERRORS = (413, 415, 422)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "ingest_email", "post", "/v1/ingest/email/{source}", "Accept an email", AcceptedView, 202,
        body=EmailIn, raw_bodies=("message/rfc822",), parameters=(SOURCE, *SIGNATURE), errors=INGEST_ERRORS,
        anonymous=True,
    ),
    Operation(
        "ingest_chat", "post", "/v1/ingest/chat/{source}", "Accept a chat message", AcceptedView, 202,
        body=ChatIn, parameters=(SOURCE, *SIGNATURE), errors=INGEST_ERRORS, anonymous=True,
    ),
    Operation(
        "get_delivery", "get", "/v1/ingest/deliveries/{id}", "How far a delivery came", DeliveryView,
        parameters=(
            ID, PROJECT,
            Parameter("source", "query", "As in the answer's Location", format="uuid"),
            Parameter("hour", "query", "As in the answer's Location"),
        ),
        errors=READ_ERRORS,
    ),
    Operation(
        "list_contacts", "get", "/v1/contacts", "List contacts, or find one by email", Page[ContactView],
        parameters=(PROJECT, Parameter("email", "query", "An email address"), LIMIT, CURSOR), errors=READ_ERRORS,
    ),
    Operation(
        "get_contact", "get", "/v1/contacts/{id}", "One contact", ContactView, parameters=(ID, PROJECT),
        errors=READ_ERRORS,
    ),
    Operation(
        "get_context", "get", "/v1/contacts/{id}/context", "A contact's recent interactions and what is known",
        ContextView,
        parameters=(ID, PROJECT, LIMIT, CURSOR, Parameter("factsCursor", "query", "`nextCursor` of the facts")),
        errors=READ_ERRORS,
    ),
    Operation(
        "add_context", "post", "/v1/contacts/{id}/context", "Keep a fact about a contact", FactView, 201,
        body=NewFact,
        parameters=(ID, PROJECT, Parameter("Idempotency-Key", "header", "With it, a retry adds nothing")),
        errors=(*READ_ERRORS, 413, 415, 422),
    ),
    Operation(
        "get_interaction", "get", "/v1/interactions/{id}", "One interaction", InteractionView,
        parameters=(ID, PROJECT), errors=READ_ERRORS, etag=True,
    ),
    Operation(
        "correct_interaction", "patch", "/v1/interactions/{id}", "Correct an interaction (RFC 7396)", InteractionView,
        body=Correction, json_bodies=MERGE_PATCH, parameters=(ID, PROJECT, IF_MATCH), etag=True,
        errors=(*DECIDE_ERRORS, 412, *BODY_ERRORS, 428),
    ),
    Operation(
        "get_interaction_html", "get", "/v1/interactions/{id}/html", "An interaction's HTML, made safe to show", None,
        parameters=(ID, PROJECT), errors=READ_ERRORS, media_type="text/html",
    ),
    Operation(
        "delete_interaction", "delete", "/v1/interactions/{id}", "Delete an interaction", None, 204,
        parameters=(ID, PROJECT), errors=READ_ERRORS,
    ),
    Operation(
        "get_attachment", "get", "/v1/attachments/{id}", "Download an attachment", None, parameters=(ID, PROJECT),
        errors=READ_ERRORS, media_type="application/octet-stream",
    ),
    Operation(
        "list_dead_letters", "get", "/v1/dead-letters", "List the project's dead letters", Page[DeadLetterView],
        parameters=(PROJECT, *LETTERS), errors=READ_ERRORS,
    ),
    Operation(
        "get_dead_letter", "get", "/v1/dead-letters/{id}", "One dead letter", DeadLetterView,
        parameters=(ID, PROJECT), errors=READ_ERRORS,
    ),
    Operation(
        "replay_dead_letter", "post", "/v1/dead-letters/{id}/replay", "Do a dead letter's work again", DeadLetterView,
        parameters=(ID, PROJECT), errors=DECIDE_ERRORS,
    ),
    Operation(
        "replay_dead_letters", "post", "/v1/dead-letters/replay", "Do the work of up to 100 dead letters again",
        ReplayedView, body=ReplayIn, parameters=(PROJECT,), errors=(400, *BODY_ERRORS, 503),
    ),
    Operation(
        "discard_dead_letter", "post", "/v1/dead-letters/{id}/discard", "Mark a dead letter as needing no more work",
        DeadLetterView, body=DiscardIn, parameters=(ID, PROJECT), errors=(*DECIDE_ERRORS, *BODY_ERRORS),
    ),
    Operation(
        "list_orphan_dead_letters", "get", "/v1/operator/dead-letters", "List the dead letters of no project",
        Page[DeadLetterView], parameters=LETTERS, errors=(400, 503), admin=True,
    ),
    Operation(
        "get_orphan_dead_letter", "get", "/v1/operator/dead-letters/{id}", "One dead letter of no project",
        DeadLetterView, parameters=(ID,), errors=(404, 503), admin=True,
    ),
    Operation(
        "replay_orphan_dead_letter", "post", "/v1/operator/dead-letters/{id}/replay",
        "Do the work of a dead letter of no project again", DeadLetterView,
        parameters=(ID,), errors=(404, 409, 503), admin=True,
    ),
    Operation(
        "replay_orphan_dead_letters", "post", "/v1/operator/dead-letters/replay",
        "Do the work of up to 100 dead letters of no project again", ReplayedView,
        body=ReplayIn, errors=(400, *BODY_ERRORS, 503), admin=True,
    ),
    Operation(
        "discard_orphan_dead_letter", "post", "/v1/operator/dead-letters/{id}/discard",
        "Mark a dead letter of no project as needing no more work", DeadLetterView,
        body=DiscardIn, parameters=(ID,), errors=(*DECIDE_ERRORS, *BODY_ERRORS), admin=True,
    ),
    Operation(
        "sync_status", "get", "/v1/sync/status", "Whether both stores agree, of all projects", SyncStatusView,
        errors=(503,), admin=True,
    ),
    Operation(
        "list_ai_interactions", "get", "/v1/ai-interactions", "List model calls, newest first, without their bodies",
        Page[AiInteractionView],
        parameters=(
            PROJECT, *WINDOW,
            Parameter("userId", "query", "Calls that this user asked for", format="uuid"),
            Parameter("messageId", "query", "Calls about this message", format="uuid"),
            Parameter("status", "query", "pending, success, error, unknown or deferred"),
            Parameter("purpose", "query", "message_analysis, image_analysis or embedding"),
            Parameter("model", "query", "The model that was asked for, or that answered"),
            LIMIT, CURSOR,
        ),
        errors=READ_ERRORS,
    ),
    Operation(
        "get_ai_interaction", "get", "/v1/ai-interactions/{id}", "One model call with what was sent and received",
        AiInteractionBodyView, parameters=(ID, PROJECT), errors=READ_ERRORS,
    ),
    Operation(
        "get_ai_usage", "get", "/v1/ai-usage", "What model calls took, and the day's budget", AiUsageView,
        parameters=(
            PROJECT, *WINDOW,
            Parameter("by", "query", "Any of day, model, purpose, contact, with commas; day when not given"),
        ),
        errors=READ_ERRORS,
    ),
    Operation("health", "get", "/health", "Whether every store answers", HealthView, errors=(503,), anonymous=True),
    Operation("openapi", "get", "/openapi.json", "This description", None, anonymous=True),
    Operation("docs", "get", "/docs", "This description, to read", None, anonymous=True, media_type="text/html"),
)  # fmt: skip


def schema_of(parameter: Parameter) -> dict[str, Any]:
    """Return a parameter as OpenAPI has it."""
    schema = {"type": "string"} | ({"format": parameter.format} if parameter.format else {})
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": schema,
    }
