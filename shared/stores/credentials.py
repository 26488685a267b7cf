"""Who the hub is to other Azure services when no connection string is set: its managed identity."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential

_CREDENTIALS: "dict[str | None, DefaultAzureCredential]" = {}


def identity(client_id: str | None) -> "DefaultAzureCredential":
    """Return the one credential of this process; it caches its tokens."""
    if client_id not in _CREDENTIALS:
        from azure.identity.aio import DefaultAzureCredential

        _CREDENTIALS[client_id] = DefaultAzureCredential(managed_identity_client_id=client_id)
    return _CREDENTIALS[client_id]


async def close_identities() -> None:
    """Close every credential of this process; who asks for one again gets a new one."""
    while _CREDENTIALS:
        _, credential = _CREDENTIALS.popitem()
        await credential.close()
