"""How a provider reaches the scripted server."""

from shared.ai.providers.openai_client import ModelAccess
from tests.model_server.server import ModelServer


def access(server: ModelServer, *, timeout_seconds: float = 30, dimensions: int = 512) -> ModelAccess:
    return ModelAccess(
        api_key=server.key,
        base_url=server.base_url,
        azure_endpoint=None,
        identity_client_id=None,
        message_model="reads",
        image_model="sees",
        embedding_model="embeds",
        dimensions=dimensions,
        timeout_seconds=timeout_seconds,
    )
