"""Who the hub is to other Azure services when no connection string is set: its managed identity."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential


@cache
def identity(client_id: str | None) -> "DefaultAzureCredential":
    """Return the one credential of this process; it caches its tokens."""
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id)
