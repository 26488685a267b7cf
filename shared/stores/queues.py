"""Storage Queues: sending work. Receiving is the platform's."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.errors import Transient
from shared.models.work import MAX_WORK_BYTES, QueueName, Work
from shared.stores.blobs import TRANSPORT
from shared.stores.credentials import identity

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

NEVER_EXPIRES = -1  # the service's default of 7 days would lose work silently


class Queues:
    """Sends work. An error is Transient: the message may or may not be in the queue, so receivers bear doubles."""

    def __init__(self, connection_string: str | None, uri: str | None, client_id: str | None) -> None:
        self._connection_string = connection_string
        self._uri = uri
        self._client_id = client_id
        self._clients: dict[QueueName, QueueClient] = {}

    async def send(self, queue: QueueName, work: Work, *, delay: timedelta = timedelta()) -> None:
        """Put `work` into `queue`, to be seen after `delay` (whole seconds, at most 7 days)."""
        from azure.core.exceptions import AzureError

        body = work.model_dump_json()
        if len(body) > MAX_WORK_BYTES:
            raise ValueError(f"{type(work).__name__} is {len(body)} bytes, more than {MAX_WORK_BYTES}")
        try:
            await self._queue(queue).send_message(
                body, visibility_timeout=round(delay.total_seconds()), time_to_live=NEVER_EXPIRES
            )
        except AzureError as error:
            raise Transient(f"Queue {queue.value}: {type(error).__name__}") from error

    async def backlog(self, queue: QueueName) -> int:
        """Return about how many messages wait in `queue`, those that are hidden for now too."""
        from azure.core.exceptions import AzureError

        try:
            properties = await self._queue(queue).get_queue_properties()
        except AzureError as error:
            raise Transient(f"Queue {queue.value}: {type(error).__name__}") from error
        return properties.approximate_message_count or 0

    async def check(self) -> None:
        """Raise Transient unless the store answers."""
        await self.backlog(QueueName.INBOUND)

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    def _queue(self, queue: QueueName) -> "QueueClient":
        if queue not in self._clients:
            from azure.storage.queue import TextBase64EncodePolicy
            from azure.storage.queue.aio import QueueClient

            # The encoding is the host's (host.json messageEncoding); the SDK's own default is none.
            options: dict[str, Any] = {**TRANSPORT, "message_encode_policy": TextBase64EncodePolicy()}
            if self._connection_string:
                client = QueueClient.from_connection_string(self._connection_string, queue.value, **options)
            else:
                assert self._uri  # noqa: S101 # settings refuse to have neither
                client = QueueClient(self._uri, queue.value, identity(self._client_id), **options)
            self._clients[queue] = client
        return self._clients[queue]
