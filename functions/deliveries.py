"""Read: how far a delivery came."""

import azure.functions as func

from functions.requests import id_of, project_of, uuid_parameter
from functions.responses import answers, of_view
from shared import services
from shared.identifiers import DeliveryId

BLUEPRINT = func.Blueprint()


@BLUEPRINT.function_name("get_delivery")
@BLUEPRINT.route("v1/ingest/deliveries/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@answers
async def get_delivery(req: func.HttpRequest) -> func.HttpResponse:
    """Say how far a delivery came, message by message."""
    delivery, source = DeliveryId(id_of(req)), uuid_parameter(req, "source")
    return of_view(await services.current().progress.of(project_of(req), delivery, source, req.params.get("hour")))
