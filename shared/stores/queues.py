"""Storage Queues: sending work. Receiving is the platform's."""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.errors import Transient
from shared.models.work import QueueName, Task, poison
from shared.stores.blobs import TRANSPORT
from shared.stores.credentials import identity

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

NEVER_EXPIRES = -1  # the service's default of 7 days would lose work silently

POISON_LEASE_SECONDS = 60


class Queues:
    """Sends work. An error is Transient: the message may or may not be in the queue, so receivers bear doubles."""

    def __init__(self, connection_string: str | None, uri: str | None, client_id: str | None) -> None:
        self._connection_string = connection_string
        self._uri = uri
        self._client_id = client_id
        self._clients: dict[str, QueueClient] = {}

    async def send(self, queue: QueueName, work: Task, *, delay: timedelta = timedelta()) -> None:
        """Put `work` into `queue`, to be seen after `delay` (whole seconds, at most 7 days)."""
        body = work.model_dump_json()
        size = len(body.encode())
        if size > work.max_bytes:
            raise ValueError(f"{type(work).__name__} is {size} bytes, more than {work.max_bytes}")
        await self.send_text(queue, body, delay=delay)

    async def send_text(self, queue: QueueName, body: str, *, delay: timedelta = timedelta()) -> None:
        """Put a message into `queue` as its sender wrote it, for those that no model reads."""
        from azure.core.exceptions import AzureError

        try:
            await self._queue(queue.value).send_message(
                body, visibility_timeout=round(delay.total_seconds()), time_to_live=NEVER_EXPIRES
            )
        except AzureError as error:
            raise Transient(f"Queue {queue.value}: {type(error).__name__}") from error

    async def drain_poison(self, queue: QueueName, keep: Callable[[bytes, bool], Awaitable[None]]) -> None:
        """Hand every message of the poison queue of `queue` to `keep`, and whether it was base64; then delete it."""
        from azure.core.exceptions import AzureError

        client = self._queue(poison(queue))
        try:
            async for message in client.receive_messages(visibility_timeout=POISON_LEASE_SECONDS):
                await keep(*_decoded(message.content))
                await client.delete_message(message)
        except AzureError as error:
            raise Transient(f"Queue {poison(queue)}: {type(error).__name__}") from error

    async def backlog(self, queue: QueueName) -> int:
        """Return about how many messages wait in `queue`, those that are hidden for now too."""
        return await self._depth(queue.value)

    async def poison_depth(self, queue: QueueName) -> int:
        """Return about how many messages wait in the poison queue of `queue`."""
        return await self._depth(poison(queue))

    async def check(self) -> None:
        """Raise Transient unless the store answers."""
        await self.backlog(QueueName.INBOUND)

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _depth(self, name: str) -> int:
        from azure.core.exceptions import AzureError

        try:
            properties = await self._queue(name).get_queue_properties()
        except AzureError as error:
            raise Transient(f"Queue {name}: {type(error).__name__}") from error
        return properties.approximate_message_count or 0

    def _queue(self, name: str) -> "QueueClient":
        if name not in self._clients:
            from azure.storage.queue import TextBase64EncodePolicy
            from azure.storage.queue.aio import QueueClient

            # The encoding is the host's (host.json messageEncoding); the SDK's own default is none.
            options: dict[str, Any] = {**TRANSPORT, "message_encode_policy": TextBase64EncodePolicy()}
            if self._connection_string:
                client = QueueClient.from_connection_string(self._connection_string, name, **options)
            else:
                assert self._uri  # noqa: S101 # settings refuse to have neither
                client = QueueClient(self._uri, name, identity(self._client_id), **options)
            self._clients[name] = client
        return self._clients[name]


def _decoded(content: str) -> tuple[bytes, bool]:
    try:
        return b64decode(content, validate=True), True
    except ValueError:
        return content.encode(), False
