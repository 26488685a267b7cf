"""Queue output bindings: what a function returned or set goes to Storage Queues, encoded as host.json says."""

import base64
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum

from local.host.bindings import Output
from local.host.storage import QueueClients

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient


@dataclass(frozen=True, slots=True)
class Result:
    """What a handler gave back, encoded: every output that has a value, `$return` among them."""

    outputs: tuple[tuple[Output, Datum], ...]

    @property
    def response(self) -> Datum | None:
        """The HTTP response, when there is one."""
        return next((datum for output, datum in self.outputs if output.kind == "http"), None)


class OutputWriter:
    """Writes the queue outputs of one invocation, after the function returned and before its answer is sent."""

    def __init__(self, clients: QueueClients, encoding: str) -> None:
        self._clients = clients
        self._encoding = encoding

    async def write(self, result: Result) -> None:
        """Send every queue output; a storage error is the invocation's failure."""
        for output, datum in result.outputs:
            if output.kind == "queue":
                await self._send(output, datum)

    async def _send(self, output: Output, datum: Datum) -> None:
        queue = self._clients.queue(output.settings["connection"], output.settings["queueName"])
        for body in bodies(datum):
            await send(queue, encode(body, self._encoding))


def bodies(datum: Datum) -> list[str | bytes]:
    """Return the messages of one output value: a text, bytes, a QueueMessage or a list of texts and QueueMessages."""
    if datum.type != "json":
        return [datum.value]
    value = json.loads(datum.value)
    return [_body(item) for item in (value if isinstance(value, list) else [value])]


def _body(item: Any) -> str:
    return item if isinstance(item, str) else str(item["body"])


def encode(body: str | bytes, encoding: str) -> str:
    """Return a message as it lies in the queue under host.json's `messageEncoding`."""
    raw = body.encode() if isinstance(body, str) else body
    return base64.b64encode(raw).decode() if encoding == "base64" else raw.decode()


async def send(queue: "QueueClient", text: str) -> None:
    """Send an already encoded message; the queue is made when it is missing, as the real output binding does."""
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(text)
