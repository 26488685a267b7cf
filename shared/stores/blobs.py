"""Blob Storage: raw deliveries, published sources, attachment bytes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.errors import Permanent, Transient
from shared.models.work import BlobContainer
from shared.stores.credentials import identity

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient

# One try and short waits: a caller that can wait is deferred by its queue, a webhook is answered 503 in time.
# Without `use_env_settings` aiohttp does not look for ~/.netrc and proxies, in a thread, before every single request.
TRANSPORT: dict[str, Any] = {
    "retry_total": 0,
    "connection_timeout": 2,
    "read_timeout": 20,
    "use_env_settings": False,
}


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """The bytes of a blob with what was written beside them."""

    raw: bytes
    content_type: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class BlobListing:
    """One blob of a listing."""

    name: str
    written_at: datetime


class Blobs:
    """Reads and writes blobs. What time may cure is raised as Transient; a blob that is not there is None."""

    def __init__(self, connection_string: str | None, uri: str | None, client_id: str | None) -> None:
        self._connection_string = connection_string
        self._uri = uri
        self._client_id = client_id
        self._client: BlobServiceClient | None = None

    async def put_new(
        self, container: BlobContainer, name: str, raw: bytes, *, content_type: str, metadata: dict[str, str]
    ) -> bool:
        """Write a blob unless one has that name, and say whether it was written. On return the bytes are durable."""
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import ContentSettings

        blob = self._service().get_blob_client(container.value, name)
        with _classified():
            try:
                # Without `overwrite` the SDK sends If-None-Match: *, so the first writer wins.
                await blob.upload_blob(
                    raw, length=len(raw), metadata=metadata, content_settings=ContentSettings(content_type=content_type)
                )
            except ResourceExistsError:
                return False
        return True

    async def put(self, container: BlobContainer, name: str, raw: bytes, *, content_type: str) -> None:
        """Write a blob over whatever has that name."""
        from azure.storage.blob import ContentSettings

        blob = self._service().get_blob_client(container.value, name)
        with _classified():
            await blob.upload_blob(raw, overwrite=True, content_settings=ContentSettings(content_type=content_type))

    async def get(self, container: BlobContainer, name: str, *, max_bytes: int | None = None) -> StoredBlob | None:
        """Return a blob, or None when there is none of that name. Raises Permanent for one above `max_bytes`."""
        from azure.core.exceptions import ResourceNotFoundError

        blob = self._service().get_blob_client(container.value, name)
        with _classified():
            try:
                download = await blob.download_blob()
                if max_bytes is not None and download.size > max_bytes:
                    raise Permanent(f"the blob is larger than {max_bytes} bytes")
                raw = await download.readall()
            except ResourceNotFoundError:
                return None
        properties = download.properties
        return StoredBlob(raw, properties.content_settings.content_type or "", dict(properties.metadata or {}))

    async def list(self, container: BlobContainer, prefix: str) -> AsyncIterator[BlobListing]:
        """Yield the blobs whose name starts with `prefix`, by name."""
        with _classified():
            async for item in self._service().get_container_client(container.value).list_blobs(name_starts_with=prefix):
                yield BlobListing(item.name, item.last_modified)

    async def check(self) -> None:
        """Raise Transient unless the store answers."""
        with _classified():
            await self._service().get_container_client(BlobContainer.INBOUND.value).exists()

    async def close(self) -> None:
        """Close the client."""
        if self._client:
            await self._client.close()
            self._client = None

    def _service(self) -> "BlobServiceClient":
        if self._client is None:
            from azure.storage.blob.aio import BlobServiceClient

            if self._connection_string:
                self._client = BlobServiceClient.from_connection_string(self._connection_string, **TRANSPORT)
            else:
                assert self._uri  # noqa: S101 # settings refuse to have neither
                self._client = BlobServiceClient(self._uri, identity(self._client_id), **TRANSPORT)
        return self._client


@contextmanager
def _classified() -> Iterator[None]:
    """Turn every error of the service or the way to it into Transient: a blob request of ours is never malformed."""
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise Transient(f"Blob Storage: {type(error).__name__}") from error
