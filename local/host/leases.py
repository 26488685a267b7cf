"""Lease documents of a change feed: who reads a feed range, and how far it was read.

One document per feed range in the lease container (partition key `/id`), as the change feed processor keeps them:
`owner` holds the range until `expires`, `continuation` is the last checkpoint. Every write is ETag-checked, so a
holder that was too slow can't write over its successor.
"""

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.cosmos.aio import ContainerProxy


class LeaseLost(Exception):  # an outcome, not a fault
    """Another host holds the lease now."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds: how often a free lease is looked for, a held one renewed, and how long it holds without renewal."""

    acquire: float
    renew: float
    expiry: float


class Lease:
    """One held lease; its writes go one after the other, each on the ETag of the one before.

    `lost` says that one of them found another holder.
    """

    def __init__(self, container: "ContainerProxy", document: dict[str, Any], times: LeaseTimes) -> None:
        self._container = container
        self._document = document
        self._times = times
        self._turn = asyncio.Lock()
        self.lost = False

    @property
    def id(self) -> str:
        """The lease document's id."""
        return str(self._document["id"])

    @property
    def continuation(self) -> str | None:
        """The last checkpoint, None before the first."""
        value = self._document["continuation"]
        return None if value is None else str(value)

    @property
    def feed_range(self) -> dict[str, Any]:
        """The range of the feed, in the SDK's form."""
        return dict(self._document["feedRange"])

    @property
    def started_at(self) -> datetime:
        """When the lease was made: without `start_from_beginning`, changes count from here."""
        return datetime.fromisoformat(self._document["startedAt"])

    async def renew(self) -> None:
        """Hold the lease for another `expiry`; LeaseLost when someone else has it."""
        await self._write({"expires": time.time() + self._times.expiry})

    async def checkpoint(self, continuation: str) -> None:
        """Record how far the feed was read; LeaseLost when someone else has the lease."""
        await self._write({"continuation": continuation, "expires": time.time() + self._times.expiry})

    async def release(self) -> None:
        """Give the lease back, so that the next host need not wait for its end."""
        await self._write({"owner": None, "expires": 0})

    async def _write(self, change: dict[str, Any]) -> None:
        async with self._turn:
            try:
                self._document = await _replace(self._container, {**self._document, **change})
            except LeaseLost:
                self.lost = True
                raise


async def acquire(
    container: "ContainerProxy", lease_id: str, *, owner: str, feed_range: Any, times: LeaseTimes
) -> Lease | None:
    """Take the lease when it is free or its holder let it expire; None while someone else holds it."""
    document = await _read_or_create(container, lease_id, feed_range)
    if document["owner"] not in (None, owner) and document["expires"] > time.time():
        return None
    try:
        held = await _replace(container, {**document, "owner": owner, "expires": time.time() + times.expiry})
    except LeaseLost:
        return None
    return Lease(container, held, times)


def lease_id(prefix: str, database: str, container: str, feed_range: Any) -> str:
    """Return the id of the lease document of one range of one container, for one `lease_container_prefix`."""
    digest = hashlib.sha256(json.dumps(feed_range, sort_keys=True).encode()).hexdigest()[:16]
    return f"{prefix}{database}.{container}..{digest}"


async def _read_or_create(container: "ContainerProxy", identity: str, feed_range: Any) -> dict[str, Any]:
    from azure.cosmos.exceptions import CosmosResourceExistsError, CosmosResourceNotFoundError

    try:
        return dict(await container.read_item(identity, partition_key=identity))
    except CosmosResourceNotFoundError:
        pass
    fresh = {
        "id": identity,
        "feedRange": feed_range,
        "owner": None,
        "expires": 0,
        "continuation": None,
        "startedAt": datetime.now(UTC).isoformat(),
    }
    try:
        return dict(await container.create_item(fresh))
    except CosmosResourceExistsError:
        return dict(await container.read_item(identity, partition_key=identity))


async def _replace(container: "ContainerProxy", document: dict[str, Any]) -> dict[str, Any]:
    from azure.core import MatchConditions
    from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosResourceNotFoundError

    try:
        return dict(
            await container.replace_item(
                document["id"], document, etag=document["_etag"], match_condition=MatchConditions.IfNotModified
            )
        )
    except (CosmosAccessConditionFailedError, CosmosResourceNotFoundError) as error:
        raise LeaseLost(document["id"]) from error
