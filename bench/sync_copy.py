"""What Postgres can take at most: COPY, in binary, of the same documents by the administrator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from bench.sync_documents import Document

TYPES = ["uuid"] * 5 + ["varchar", "text", "timestamptz", "jsonb", "int8", "int8", "text"]
COPY: LiteralString = (
    "COPY {} (project_id, id, agent_id, contact_id, organization_id, type, content, timestamp, metadata,"
    " source_version, source_ts, source_etag) FROM STDIN (FORMAT binary)"
)


def copy(connection: "psycopg.Connection[Any]", table: LiteralString, documents: Sequence[Document]) -> None:
    """Copy documents in one transaction; they are read as they come, without any check."""
    with connection.transaction(), connection.cursor().copy(COPY.format(table)) as into:
        into.set_types(TYPES)
        for document in documents:
            into.write_row(_row(document))


def _row(document: Document) -> tuple[Any, ...]:
    return (
        UUID(document["projectId"]),
        UUID(document["id"]),
        UUID(document["agentId"]),
        UUID(document["contactId"]),
        UUID(document["organizationId"]),
        document["type"],
        document["content"],
        datetime.fromisoformat(document["timestamp"]),
        Jsonb(document["metadata"]),
        document["version"],
        document["_ts"],
        document["_etag"],
    )
