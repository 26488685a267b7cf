"""Read: the log of model calls, and what they took."""

from datetime import UTC, datetime

import azure.functions as func

from functions.requests import id_of, project_of, uuid_parameter
from functions.responses import answers, of_view
from shared import services
from shared.errors import Rejected

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("list_ai_interactions")
@BLUEPRINT.route("v1/ai-interactions", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def list_ai_interactions(req: func.HttpRequest) -> func.HttpResponse:
    """List model calls by user, message, time, status, purpose and model."""
    from shared.inbox.ai_interactions import Wanted
    from shared.inbox.cursors import read_cursor

    wanted = Wanted(
        user_id=uuid_parameter(req, "userId"),
        message_id=uuid_parameter(req, "messageId"),
        since=moment_parameter(req, "from"),
        until=moment_parameter(req, "to"),
        status=req.params.get("status"),
        purpose=req.params.get("purpose"),
        model=req.params.get("model"),
    )
    page = read_cursor(req.params.get("cursor"), req.params.get("limit"))
    return of_view(await services.current().calls.page(project_of(req), wanted, page))


@BLUEPRINT.function_name("get_ai_interaction")
@BLUEPRINT.route("v1/ai-interactions/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_ai_interaction(req: func.HttpRequest) -> func.HttpResponse:
    """Return one model call with what was sent and received."""
    return of_view(await services.current().calls.get(project_of(req), id_of(req)))


@BLUEPRINT.function_name("get_ai_usage")
@BLUEPRINT.route("v1/ai-usage", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_ai_usage(req: func.HttpRequest) -> func.HttpResponse:
    """Return what model calls took, by day, model, purpose and contact as asked for, and the day's budget."""
    groups = [name.strip() for name in (req.params.get("by") or "day").split(",")]
    since, until = moment_parameter(req, "from"), moment_parameter(req, "to")
    return of_view(await services.current().calls.usage(project_of(req), since, until, groups))


def moment_parameter(req: func.HttpRequest, name: str) -> datetime | None:
    """Return a query parameter as a moment (ISO 8601, UTC where it names no zone), or None when it is not given."""
    text = req.params.get(name)
    if text is None:
        return None
    try:
        # A plus sign that nobody escaped is a space by now.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Rejected(400, f"{name} must be a moment such as 2026-11-22T10:00:00Z", field=name) from None
