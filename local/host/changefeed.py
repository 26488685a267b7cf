"""Cosmos DB triggers, with the checkpoint of CosmosDBTriggerListener: after the function returned *or* failed.

- A batch that still fails after the declared retry policy is **lost**: the lease moves past it, as in Azure.
- While a retry policy lasts, nothing is checkpointed and the feed range stands still.
- A host that dies in the middle has not checkpointed: the batch comes again (at least once).
- Latest versions only; deletions do not appear. Splits of a feed range are not followed (the local store has none).
"""

import asyncio
import json
import logging
import uuid
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, cast

from azure.functions.meta import Datum

from local.host.availability import Availability
from local.host.configuration import Endpoint, HostOptions
from local.host.configuration import connection as named
from local.host.context import RetryContext
from local.host.feed import Feed
from local.host.invocation import Call, Invoker
from local.host.leases import Lease, LeaseLost, acquire, lease_id
from local.host.listener import Listener, Stopped
from local.host.retry import run_with_retry
from shared.stores.credentials import identity

if TYPE_CHECKING:
    from azure.core.async_paging import AsyncItemPaged, AsyncPageIterator
    from azure.cosmos.aio import ContainerProxy, CosmosClient

log = logging.getLogger("local.host")

_RETRY_SECONDS = 1.0
_REFUSED_SECONDS = 30.0


class _CheckpointRefused(Exception):  # an outcome, not a fault
    """The store does not know the checkpoint: it is of another store, or too old."""


class FeedListener(Listener):
    """Reads the change feed of one container and runs one function, a task per feed range."""

    def __init__(self, invoker: Invoker, options: HostOptions) -> None:
        self._feed = Feed.of(invoker.function, options)
        super().__init__(f"change feed of {self._feed.container}")
        self._invoker = invoker
        self._owner = uuid.uuid4().hex
        self._availability = Availability(self._name)

    async def listen(self) -> None:
        """Read until the host stops; a store that is down is asked again."""
        from azure.core.exceptions import AzureError

        feed = self._feed
        try:
            async with _client(feed.connection) as data, _client(feed.lease_connection) as leases:
                source = data.get_database_client(feed.database).get_container_client(feed.container)
                holder = await self._lease_container(leases)
                ranges = [each async for each in source.read_feed_ranges()]
                async with asyncio.TaskGroup() as group:
                    for each in ranges:
                        group.create_task(self._follow(source, holder, each))
        except AzureError as error:
            self._availability.failed(error)
            await self.pause(_RETRY_SECONDS)

    async def _lease_container(self, client: "CosmosClient") -> "ContainerProxy":
        from azure.cosmos import PartitionKey

        database = client.get_database_client(self._feed.lease_database)
        if self._feed.create_leases:
            return await database.create_container_if_not_exists(self._feed.lease_container, PartitionKey("/id"))
        return database.get_container_client(self._feed.lease_container)

    async def _follow(self, source: "ContainerProxy", holder: "ContainerProxy", feed_range: dict[str, Any]) -> None:
        """Take the range's lease whenever it is free and read until it is lost or the host stops."""
        from azure.core.exceptions import AzureError

        feed = self._feed
        identity = lease_id(feed.lease_prefix, feed.database, feed.container, feed_range)
        while not self.stopping:
            try:
                lease = await acquire(holder, identity, owner=self._owner, feed_range=feed_range, times=feed.times)
                if lease is None:
                    await self.pause(feed.times.acquire)
                else:
                    await self._hold(source, lease)
            except LeaseLost:
                log.warning("%s: another host took lease %s", self._name, identity)
            except _CheckpointRefused as refusal:
                log.error(  # noqa: TRY400 # the operator has to act; a traceback would hide how
                    "%s: nothing is read, the store refuses the checkpoint (%s); delete document %s in container %s/%s",
                    *(self._name, refusal, identity, feed.lease_database, feed.lease_container),
                )
                await self.pause(_REFUSED_SECONDS)
            except AzureError as error:
                self._availability.failed(error)
                await self.pause(_RETRY_SECONDS)

    async def _hold(self, source: "ContainerProxy", lease: Lease) -> None:
        from azure.core.exceptions import AzureError

        finished = asyncio.Event()
        renewal = asyncio.create_task(self._renew(lease, finished))
        try:
            while not self.stopping and not lease.lost:
                await self._read_once(source, lease)
        except Stopped:
            log.info("%s: stopped between two tries, the batch comes again", self._name)
        finally:
            # Not cancelled: a renewal under way changes the ETag that the release needs.
            finished.set()
            await renewal
            with suppress(AzureError, LeaseLost):
                await lease.release()

    async def _renew(self, lease: Lease, finished: asyncio.Event) -> None:
        """Renew until the lease is lost; a store that is down for a while need not cost the lease."""
        from azure.core.exceptions import AzureError

        while not lease.lost:
            with suppress(TimeoutError):
                await asyncio.wait_for(finished.wait(), self._feed.times.renew)
            if finished.is_set():
                return
            try:
                await lease.renew()
            except LeaseLost:
                return
            except AzureError as error:
                self._availability.failed(error)

    async def _read_once(self, source: "ContainerProxy", lease: Lease) -> None:
        documents, continuation = await self._page(source, lease)
        self._availability.answered()
        if not documents:
            await self.pause(self._feed.poll)
            return
        data = Datum(json.dumps(documents), "json")

        async def pause(seconds: float) -> None:
            await self.retry_pause(seconds)
            if lease.lost:
                raise LeaseLost(lease.id)

        with self._invoker.activity.unit():
            done = await run_with_retry(self._invoker.function.retry, lambda retry: self._attempt(data, retry), pause)
            if not done:
                log.error("%s: batch of %d lost to %s", self._name, len(documents), self._invoker.function.name)
            await lease.checkpoint(continuation)

    async def _attempt(self, data: Datum, retry: int) -> bool:
        policy = self._invoker.function.retry
        call = Call(data, retry=RetryContext(retry, policy.max_retries if policy else 0))
        return await self._invoker.perform(call) is not None

    async def _page(self, source: "ContainerProxy", lease: Lease) -> tuple[list[dict[str, Any]], str]:
        """Return the next changes and the continuation behind them; no changes come without one."""
        from azure.cosmos.exceptions import CosmosHttpResponseError

        try:
            pages = cast("AsyncPageIterator[dict[str, Any]]", self._query(source, lease).by_page())
            page = [document async for document in await anext(pages)]
        except StopAsyncIteration:
            return [], ""
        except CosmosHttpResponseError as error:
            # A 400 without a checkpoint is another matter: the trigger itself is wrong.
            refused = error.status_code == HTTPStatus.BAD_REQUEST and lease.continuation is not None
            if refused or error.status_code == HTTPStatus.GONE:
                raise _CheckpointRefused(f"{error.status_code}, {(error.message or '').splitlines()[0]}") from error
            raise
        except ValueError as error:
            # The SDK's own check: the checkpoint names another container.
            raise _CheckpointRefused(error) from error
        # The pager's own token: the client's last header may belong to another request.
        return page, str(pages.continuation_token)

    def _query(self, source: "ContainerProxy", lease: Lease) -> "AsyncItemPaged[dict[str, Any]]":
        size = self._feed.page_size
        if lease.continuation is not None:
            return source.query_items_change_feed(continuation=lease.continuation, max_item_count=size)
        # The time the lease was made, not "Now": a change between two polls before the first checkpoint counts too.
        start: Literal["Beginning"] | datetime = "Beginning" if self._feed.from_beginning else lease.started_at
        return source.query_items_change_feed(feed_range=lease.feed_range, start_time=start, max_item_count=size)


def _client(connection: str) -> "CosmosClient":
    from azure.cosmos.aio import CosmosClient

    found = named(connection, "accountEndpoint")
    if isinstance(found, Endpoint):
        return CosmosClient(found.uri, identity(found.client_id))
    return CosmosClient.from_connection_string(found)
