"""Who answers, and who we are to it: the one place with an address and a credential."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.stores.credentials import identity

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_OPENAI = "https://api.openai.com/v1"
_SCOPE = "https://cognitiveservices.azure.com/.default"
# Who is not reached by then was not asked. Shorter than a call's own limit, which can't tell.
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """Where the models are and what they are called there.

    With `azure_endpoint` the identity of the app is the credential and `base_url` and `api_key` are left alone; without
    a `base_url` it is OpenAI. `dimensions` 0 takes an embedding model's own. `timeout_seconds` is for one whole call.
    """

    api_key: str | None = field(repr=False)
    base_url: str | None
    azure_endpoint: str | None
    identity_client_id: str | None
    message_model: str
    image_model: str
    embedding_model: str
    dimensions: int
    timeout_seconds: float

    @property
    def vendor(self) -> str:
        """Who is paid: `azure`, `openai`, or whoever is behind another address."""
        if self.azure_endpoint:
            return "azure"
        host = urlsplit(self.base_url or _OPENAI).hostname or "unknown"
        return "openai" if host == urlsplit(_OPENAI).hostname else host


def open_client(access: ModelAccess) -> "AsyncOpenAI":
    """Return a client that tries once: what can wait is deferred by its queue, for as long as the server asks."""
    from openai import AsyncOpenAI, Timeout

    timeout = Timeout(access.timeout_seconds, connect=min(_CONNECT_SECONDS, access.timeout_seconds))
    if not access.azure_endpoint:
        return AsyncOpenAI(api_key=access.api_key, base_url=access.base_url or None, timeout=timeout, max_retries=0)
    from azure.identity.aio import get_bearer_token_provider

    # The v1 path takes a plain client; asked for before every call, the token comes from the credential's cache.
    return AsyncOpenAI(
        api_key=get_bearer_token_provider(identity(access.identity_client_id), _SCOPE),
        base_url=f"{access.azure_endpoint.rstrip('/')}/openai/v1/",
        timeout=timeout,
        max_retries=0,
    )
