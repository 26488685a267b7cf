"""What lies in Blob, Postgres and Cosmos DB after a run, compared by id and etag and not only by number."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.demo.client import SEE_THE_LOG
from local.demo.samples import Sample
from local.trouble import Trouble
from shared.stores.sql import SqlBlocks

Ids = frozenset[str]
_QUERIES = SqlBlocks(Path(__file__).with_name("stores.sql"))


@dataclass(frozen=True, slots=True)
class Tally:
    """One kind of thing: how many the samples hold and which of them each store has; None where it keeps none."""

    what: str
    sent: int
    blob: Ids | None = None
    postgres: Ids | None = None
    cosmos: Ids | None = None

    @property
    def agrees(self) -> bool:
        """Say whether every store that keeps it has the same ones, as many as were sent."""
        kept = [ids for ids in (self.blob, self.postgres, self.cosmos) if ids is not None]
        return all(ids == kept[0] and len(ids) == self.sent for ids in kept)


@dataclass(frozen=True, slots=True)
class Places:
    """How to reach the three stores: libpq DSN of an administrator, and two connection strings.

    `raw_sources` and `queue_sources` are the ids of the sources that take raw mail and messages of the queue.
    """

    postgres_dsn: str
    storage: str
    cosmos: str
    cosmos_database: str
    project_id: str
    raw_sources: Ids = frozenset()
    queue_sources: Ids = frozenset()


def tally(places: Places, samples: Sequence[Sample]) -> list[Tally]:
    """Count once; a store that is behind shows as a disagreement. Raises Trouble when one can't be read."""
    from azure.core.exceptions import AzureError
    from psycopg import Error as PostgresError

    try:
        blobs, rows, documents = _blobs(places), _rows(places), _documents(places)
    except (AzureError, PostgresError) as error:
        raise Trouble(f"a store could not be read: {error}", do=SEE_THE_LOG) from error
    ways = Counter(sample.way for sample in samples)
    raw, queued = (partial(_from, sources) for sources in (places.raw_sources, places.queue_sources))
    messages = len(samples)
    files = len({digest for sample in samples for digest in sample.file_hashes})
    return [
        Tally("deliveries", messages, blob=blobs["deliveries"], postgres=rows["deliveries"]),
        Tally("raw mails", ways["raw"], blob=raw(blobs["deliveries"]), postgres=raw(rows["deliveries"])),
        Tally("external messages", ways["queue"], queued(blobs["deliveries"]), queued(rows["deliveries"])),
        Tally("different files", files, blob=blobs["files"], postgres=rows["files"]),
        Tally("interactions", messages, postgres=rows["interactions"], cosmos=documents["interactions"]),
        Tally("analysed", messages, postgres=rows["analysed"], cosmos=documents["analysed"]),
    ]


def _blobs(places: Places) -> dict[str, Ids]:
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(places.storage) as client:
        names = {
            container: [
                name
                for name in client.get_container_client(container).list_blob_names()
                if places.project_id in name.split("/")
            ]
            for container in ("inbound", "attachments")
        }
    return {
        # The same delivery taken in two different hours has two blobs, its source and id end both names.
        "deliveries": frozenset("/".join(name.split("/")[-2:]) for name in names["inbound"]),
        "files": frozenset(names["attachments"]),
    }


def _from(sources: Ids, deliveries: Ids) -> Ids:
    return frozenset(delivery for delivery in deliveries if delivery.partition("/")[0] in sources)


def _rows(places: Places) -> dict[str, Ids]:
    import psycopg

    with psycopg.connect(places.postgres_dsn) as connection:
        project = {"project_id": places.project_id}
        return {
            what: frozenset(row[0] for row in connection.execute(_QUERIES[f"ids_of_{what}"], project))
            for what in ("deliveries", "files", "interactions", "analysed")
        }


def _documents(places: Places) -> dict[str, Ids]:
    from azure.cosmos import CosmosClient

    with CosmosClient.from_connection_string(places.cosmos) as client:
        container = client.get_database_client(places.cosmos_database).get_container_client("interactions")
        documents = list(
            container.query_items(
                "SELECT c.id, c._etag, c.embeddingModel FROM c WHERE c.projectId = @project AND c.deleted = false",
                parameters=[{"name": "@project", "value": places.project_id}],
                enable_cross_partition_query=True,
            )
        )
    return {
        "interactions": frozenset(f"{found['id']} {found['_etag']}" for found in documents),
        "analysed": frozenset(found["id"] for found in documents if found.get("embeddingModel")),
    }
