"""Queue triggers, as QueueListener and QueueProcessor of Storage.Queues 5.x handle messages.

- A message is received with a fixed lease and renewed while the function runs: a killed host hides it until then.
- Success deletes it; a pop receipt that no longer fits is ignored, so the message may run twice.
- Failure makes it visible again after `visibilityTimeout`; at the last attempt its body is copied to
  `<queue>-poison` and the message deleted, in that order, so poison may hold it twice.
- A message that arrives above `maxDequeueCount`, or can't be decoded, goes to poison without running.
- A queue named `*-poison`, or whose poison name would be too long, has none: its message stays hidden for the lease.
"""

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from azure.functions.meta import Datum

from local.host.availability import Availability
from local.host.configuration import HostOptions, QueueOptions
from local.host.invocation import Call, Invoker
from local.host.listener import Listener
from local.host.outputs import send
from local.host.storage import QueueClients

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

log = logging.getLogger("local.host")

_POISON = "-poison"
_LONGEST_NAME = 63
_FIRST_POLL_SECONDS = 0.1


class QueueListener(Listener):
    """Polls one queue and runs one function."""

    def __init__(self, invoker: Invoker, clients: QueueClients, queues: QueueOptions, options: HostOptions) -> None:
        settings = invoker.function.settings
        name = str(settings["queueName"])
        super().__init__(f"queue {name}")
        self._invoker = invoker
        self._queues = queues
        self._queue = clients.queue(settings["connection"], name)
        poison = None if name.endswith(_POISON) else name + _POISON
        self._poison = (
            clients.queue(settings["connection"], poison) if poison and len(poison) <= _LONGEST_NAME else None
        )
        self._lease = options.queue_lease_seconds
        self._longest_poll = options.queue_poll_seconds or queues.max_polling_interval.total_seconds()
        self._availability = Availability(self._name)
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()

    async def listen(self) -> None:
        """Poll until the host stops, then wait for what runs. A store that is down is asked again."""
        pause = 0.0
        while not self.stopping:
            messages = await self._receive()
            for message in messages:
                task = asyncio.create_task(self._process(message), name=str(message.id))
                self._running.add(task)
                task.add_done_callback(self._finished)
            pause = 0.0 if messages else min(self._longest_poll, max(_FIRST_POLL_SECONDS, pause * 2))
            await self.pause(pause)
            await self._wait_for_room()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def abandon(self) -> None:
        """Cancel what still runs; its messages come back when their lease ends."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await super().abandon()

    async def _wait_for_room(self) -> None:
        while len(self._running) > self._queues.threshold and not self.stopping:
            self._room.clear()
            await self._room.wait()

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._room.set()
        if not task.cancelled() and (error := task.exception()):
            # The store did not take the outcome: the message comes again when its lease ends.
            log.error("%s: message %s: %s: %s", self._name, task.get_name(), type(error).__name__, error)

    async def _receive(self) -> "list[QueueMessage]":
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        # One page only: the pager itself would ask again to fill a short one.
        pages = self._queue.receive_messages(
            messages_per_page=self._queues.batch_size, visibility_timeout=self._lease
        ).by_page()
        messages: list[QueueMessage] = []
        try:
            messages = [message async for message in await anext(pages)]
        except (StopAsyncIteration, ResourceNotFoundError):
            # A queue that does not exist yet is an empty one; the trigger does not make it.
            pass
        except AzureError as error:
            self._availability.failed(error)
            return []
        self._availability.answered()
        return messages

    async def _process(self, message: "QueueMessage") -> None:
        with self._invoker.activity.unit():
            if (message.dequeue_count or 0) > self._queues.max_dequeue_count:
                log.warning("%s: message %s came once too often, to poison", self._name, message.id)
                await self._to_poison(message)
                return
            try:
                body = _decode(message.content, self._queues.message_encoding)
            except ValueError as error:
                log.warning("%s: message %s can't be decoded (%s), to poison", self._name, message.id, error)
                await self._to_poison(message)
                return
            done = await self._run_hidden(message, Call(body, _metadata(message)))
            await (self._delete(message) if done else self._give_back(message))

    async def _run_hidden(self, message: "QueueMessage", call: Call) -> bool:
        finished = asyncio.Event()
        renewal = asyncio.create_task(self._keep_hidden(message, finished))
        try:
            return await self._invoker.perform(call) is not None
        finally:
            # Not cancelled: a renewal under way changes the pop receipt that the delete needs.
            finished.set()
            await renewal

    async def _keep_hidden(self, message: "QueueMessage", finished: asyncio.Event) -> None:
        from azure.core.exceptions import AzureError

        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(finished.wait(), self._lease / 2)
            if finished.is_set():
                return
            try:
                renewed = await self._queue.update_message(message, visibility_timeout=self._lease)
            except AzureError as error:
                log.warning("%s: message %s not renewed (%s)", self._name, message.id, type(error).__name__)
            else:
                message.pop_receipt = renewed.pop_receipt

    async def _give_back(self, message: "QueueMessage") -> None:
        if (message.dequeue_count or 0) >= self._queues.max_dequeue_count:
            await self._to_poison(message)
            return
        seconds = round(self._queues.visibility_timeout.total_seconds())
        await _unless_lost(self._queue.update_message(message, visibility_timeout=seconds))

    async def _to_poison(self, message: "QueueMessage") -> None:
        if self._poison is None:
            return
        # The copy carries the body only: id, insertion time and dequeue count start anew, as in Azure.
        await send(self._poison, message.content)
        log.warning("%s: message %s moved to poison", self._name, message.id)
        await self._delete(message)

    async def _delete(self, message: "QueueMessage") -> None:
        await _unless_lost(self._queue.delete_message(message))


async def _unless_lost(change: Awaitable[object]) -> None:
    """Make a change to a message, or not when its pop receipt is stale: another receiver has it by then."""
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

    try:
        await change
    except ResourceNotFoundError:
        return
    except HttpResponseError as error:
        if getattr(error, "error_code", None) != "PopReceiptMismatch":
            raise


def _decode(content: str, encoding: str) -> Datum:
    """Return text, or bytes when it is no UTF-8; ValueError when it is not encoded as host.json says."""
    if encoding == "none":
        return Datum(content, "string")
    try:
        raw = base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    try:
        return Datum(raw.decode(), "string")
    except UnicodeDecodeError:
        return Datum(raw, "bytes")


def _metadata(message: "QueueMessage") -> dict[str, Datum]:
    return {
        "Id": Datum(message.id, "string"),
        "DequeueCount": Datum(json.dumps(message.dequeue_count), "json"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }


def _time(moment: datetime | None) -> Datum:
    return Datum(json.dumps(moment.isoformat() if moment else None), "json")
