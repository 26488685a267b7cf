"""The host's own Storage Queue clients: one service client per connection, closed together."""

from typing import TYPE_CHECKING, Any

from local.host.configuration import Endpoint
from local.host.configuration import connection as named
from shared.errors import Misconfigured
from shared.stores.credentials import identity

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient, QueueServiceClient

# The SDK's first wait of 15 s suits a data centre; here the loops notice a store that is down and ask again.
TRANSPORT: dict[str, Any] = {
    "retry_total": 1,
    "initial_backoff": 0,
    "random_jitter_range": 0,
    "connection_timeout": 5,
    "read_timeout": 30,
}


class QueueClients:
    """Makes clients on first use. Messages are sent and received as they are; encoding is the caller's matter."""

    def __init__(self) -> None:
        self._services: dict[str, QueueServiceClient] = {}

    def queue(self, connection: str, name: str) -> "QueueClient":
        """Return a client of queue `name` in the account of app setting `connection`."""
        service = self._services.get(connection)
        if service is None:
            service = self._services[connection] = _service(connection)
        return service.get_queue_client(name)

    async def close(self) -> None:
        """Close every connection."""
        for service in self._services.values():
            await service.close()


def _service(connection: str) -> "QueueServiceClient":
    from azure.storage.queue.aio import QueueServiceClient

    found = named(connection, "queueServiceUri")
    try:
        if isinstance(found, Endpoint):
            return QueueServiceClient(found.uri, identity(found.client_id), **TRANSPORT)
        return QueueServiceClient.from_connection_string(found, **TRANSPORT)
    except ValueError as error:
        raise Misconfigured(f"connection setting {connection}: {error}") from error
