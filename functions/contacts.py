"""Read: contacts and their context."""

import azure.functions as func

from functions.requests import id_of, idempotency_key, json_of, project_of
from functions.responses import answers, of_view
from shared import services
from shared.identifiers import ContactId

BLUEPRINT = func.Blueprint()
MAX_FACT_BYTES = 64 * 1024


@BLUEPRINT.function_name("list_contacts")
@BLUEPRINT.route("v1/contacts", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def list_contacts(req: func.HttpRequest) -> func.HttpResponse:
    """List contacts by their last interaction, or find the one with an email address."""
    from shared.inbox.cursors import read_cursor

    page = read_cursor(req.params.get("cursor"), req.params.get("limit"))
    return of_view(await services.current().history.contacts(project_of(req), req.params.get("email"), page))


@BLUEPRINT.function_name("get_contact")
@BLUEPRINT.route("v1/contacts/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_contact(req: func.HttpRequest) -> func.HttpResponse:
    """Return one contact."""
    return of_view(await services.current().history.contact(project_of(req), ContactId(id_of(req))))


@BLUEPRINT.function_name("get_context")
@BLUEPRINT.route("v1/contacts/{id}/context", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_context(req: func.HttpRequest) -> func.HttpResponse:
    """Return a contact's recent interactions with their analysis, and what is known of the contact."""
    from shared.inbox.cursors import read_cursor

    limit = req.params.get("limit")
    page = read_cursor(req.params.get("cursor"), limit)
    facts = read_cursor(req.params.get("factsCursor"), limit, field="factsCursor")
    contact = ContactId(id_of(req))
    return of_view(await services.current().history.context(project_of(req), contact, page, facts))


@BLUEPRINT.function_name("add_context")
@BLUEPRINT.route("v1/contacts/{id}/context", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def add_context(req: func.HttpRequest) -> func.HttpResponse:
    """Keep a fact about a contact; with an `Idempotency-Key` a retry adds nothing."""
    from shared.ingestion.json_body import read_json
    from shared.models.views import NewFact

    fact, _ = read_json(json_of(req, max_bytes=MAX_FACT_BYTES), NewFact)
    project, contact, key = project_of(req), ContactId(id_of(req)), idempotency_key(req)
    return of_view(await services.current().history.add_fact(project, contact, fact, key), status=201)
