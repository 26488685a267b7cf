"""Cosmos DB: the documents of interactions."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.errors import Contended, Permanent, Transient
from shared.stores.credentials import identity

if TYPE_CHECKING:
    from azure.cosmos.aio import ContainerProxy, CosmosClient

Document = dict[str, Any]
INTERACTIONS = "interactions"
# The SDK's own waits (9 tries, 30 s) would hold a queue message; a throttled write is deferred instead.
TRANSPORT: dict[str, Any] = {"retry_total": 1, "retry_backoff_max": 1, "connection_timeout": 5, "read_timeout": 20}


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One page of a query's documents, and what it cost in request units."""

    documents: list[Document]
    request_units: float


class Documents:
    """The container `interactions`, partitioned by contact. What time may cure is raised as Transient."""

    def __init__(
        self, *, connection_string: str | None, endpoint: str | None, client_id: str | None, database: str
    ) -> None:
        self._connection_string = connection_string
        self._endpoint = endpoint
        self._client_id = client_id
        self._database = database
        self._client: CosmosClient | None = None

    async def create(self, document: Document) -> bool:
        """Write a document unless one has its id and contact, and say whether it was written."""
        from azure.cosmos.exceptions import CosmosResourceExistsError

        with _classified():
            try:
                await self._container().create_item(document)
            except CosmosResourceExistsError:
                return False
        return True

    async def read(self, interaction: str, contact: str) -> Document | None:
        """Return a document, or None when there is none."""
        from azure.cosmos.exceptions import CosmosResourceNotFoundError

        with _classified():
            try:
                return dict(await self._container().read_item(interaction, partition_key=contact))
            except CosmosResourceNotFoundError:
                return None

    async def replace(self, document: Document, *, etag: str) -> Document | None:
        """Replace the document whose ETag is still `etag`; None when another writer came first."""
        from azure.core import MatchConditions
        from azure.cosmos.exceptions import CosmosAccessConditionFailedError

        with _classified():
            try:
                replaced = await self._container().replace_item(
                    document["id"], document, etag=etag, match_condition=MatchConditions.IfNotModified
                )
            except CosmosAccessConditionFailedError:
                return None
        return dict(replaced)

    async def set_fields(self, interaction: str, contact: str, fields: Document) -> bool:
        """Set fields that only Cosmos DB holds on a living document; False when it is deleted. `version` stays."""
        from azure.cosmos.exceptions import CosmosAccessConditionFailedError

        operations = [{"op": "set", "path": f"/{name}", "value": value} for name, value in fields.items()]
        with _classified():
            try:
                await self._container().patch_item(
                    interaction,
                    partition_key=contact,
                    patch_operations=operations,
                    filter_predicate="FROM c WHERE NOT IS_DEFINED(c.deleted) OR c.deleted = false",
                )
            except CosmosAccessConditionFailedError:
                return False
        return True

    async def pages_by_id(
        self, first: str, before: str, *, fields: Sequence[str], size: int
    ) -> AsyncGenerator[DocumentPage]:
        """Yield these fields of the documents of all contacts whose id is in [first, before), in any order."""
        async for page in self._pages('c["id"] >= @first AND c["id"] < @before', first, before, fields, size):
            yield page

    async def pages_by_time(
        self, first: int, before: int, *, fields: Sequence[str], size: int
    ) -> AsyncGenerator[DocumentPage]:
        """Yield these fields of the documents last written in [first, before), seconds since 1970, in any order."""
        async for page in self._pages('c["_ts"] >= @first AND c["_ts"] < @before', first, before, fields, size):
            yield page

    async def check(self) -> None:
        """Raise Transient unless the container answers."""
        with _classified():
            await self._container().read()

    async def close(self) -> None:
        """Close the client."""
        if self._client:
            await self._client.close()
            self._client = None

    async def _pages(
        self, condition: str, first: object, before: object, fields: Sequence[str], size: int
    ) -> AsyncGenerator[DocumentPage]:
        selected = ", ".join(f'c["{name}"]' for name in fields)
        charges: list[float] = []
        with _classified():
            pages = (
                self._container()
                .query_items(
                    f"SELECT {selected} FROM c WHERE {condition}",
                    parameters=[{"name": "@first", "value": first}, {"name": "@before", "value": before}],
                    max_item_count=size,
                    response_hook=lambda headers, _: charges.append(float(headers.get("x-ms-request-charge", 0))),
                )
                .by_page()
            )
            async for page in pages:
                yield DocumentPage([dict(document) async for document in page], sum(charges))
                charges.clear()

    def _container(self) -> "ContainerProxy":
        if self._client is None:
            from azure.cosmos.aio import CosmosClient

            if self._connection_string:
                self._client = CosmosClient.from_connection_string(self._connection_string, **TRANSPORT)
            else:
                assert self._endpoint  # noqa: S101 # settings refuse to have neither
                self._client = CosmosClient(self._endpoint, identity(self._client_id), **TRANSPORT)
        return self._client.get_database_client(self._database).get_container_client(INTERACTIONS)


@contextmanager
def _classified() -> Iterator[None]:
    """Turn what time may cure into Transient: unreachable, throttled, timed out, or closed to us until someone acts.

    A 404 is Contended: under session consistency a replica may not have a document that was just written.
    """
    from azure.core.exceptions import AzureError
    from azure.cosmos.exceptions import CosmosHttpResponseError

    try:
        yield
    except CosmosHttpResponseError as error:
        if error.status_code in {400, 413}:
            raise Permanent(f"Cosmos DB refuses the document: {error.status_code}") from error
        if error.status_code in {404, 409, 412}:
            raise Contended(f"Cosmos DB: {error.status_code}") from error
        raise Transient(f"Cosmos DB: {error.status_code}") from error
    except AzureError as error:
        raise Transient(f"Cosmos DB: {type(error).__name__}") from error
