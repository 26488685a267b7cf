"""Reads the three stores of some projects, past row-level security."""

import json
import re
from typing import Any

import psycopg
from azure.cosmos import CosmosClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient
from psycopg.rows import dict_row

from local.stack.stack import Stack
from shared.ingestion.raw import RawName
from shared.models.work import QueueName, poison
from tests.chaos.checker import Held, Snapshot

TOKEN = re.compile(r"token-[0-9a-f]{16}")
ROWS = """
    SELECT i.project_id, i.id, i.contact_id, i.content, i.source_etag,
           (SELECT count(*) FROM messages m JOIN ai_analysis a ON a.project_id = m.project_id AND a.message_id = m.id
            WHERE m.project_id = i.project_id AND m.interaction_id = i.id) AS analyses, f.files, f.unseen
    FROM interactions i, LATERAL (
        SELECT count(*) AS files, count(*) FILTER (WHERE a.analysis IS NULL) AS unseen
        FROM messages m JOIN attachments a ON a.project_id = m.project_id AND a.message_id = m.id
        WHERE m.project_id = i.project_id AND m.interaction_id = i.id) f
    WHERE i.project_id = ANY(%s) AND i.deleted_at IS NULL"""
OPEN = """
    SELECT 'delivery ' || id || ' is ' || state AS work FROM deliveries WHERE project_id = ANY(%s) AND state <> 'done'
    UNION ALL
    SELECT 'dead letter of ' || stage || ': ' || reason FROM dead_letters
    WHERE (project_id = ANY(%s) OR project_id IS NULL) AND state = 'open'"""


def token_of(text: str) -> str | None:
    """Return the token in a text."""
    found = TOKEN.search(text)
    return found[0] if found else None


def read(stack: Stack, projects: list[str]) -> Snapshot:
    """Return what the stores hold of these projects, and what is still under way in all queues."""
    return Snapshot(
        raw=_raw(stack, projects),
        rows=_rows(stack, projects),
        documents=_documents(stack, projects),
        contacts=_contacts(stack, projects),
        open_work=open_work(stack, projects) + waiting(stack),
    )


def open_work(stack: Stack, projects: list[str]) -> list[str]:
    """Return deliveries and letters that are not at an end."""
    with psycopg.connect(stack.postgres.dsn("hub")) as connection:
        return [str(row[0]) for row in connection.execute(OPEN, [projects, projects]).fetchall()]


def waiting(stack: Stack) -> list[str]:
    """Return the queues that are not empty, hidden messages counted."""
    found = []
    with QueueServiceClient.from_connection_string(stack.settings["HubStorage"]) as queues:
        for queue in QueueName:
            for name in (queue.value, poison(queue)):
                messages = queues.get_queue_client(name).get_queue_properties().approximate_message_count
                if messages:
                    found.append(f"{messages} messages in {name}")
    return found


def _raw(stack: Stack, projects: list[str]) -> list[tuple[str, str | None, str]]:
    held = []
    with BlobServiceClient.from_connection_string(stack.settings["HubStorage"]) as blobs:
        container = blobs.get_container_client("inbound")
        for name in container.list_blob_names():
            parsed = RawName.parse(name)
            if parsed and str(parsed.project_id) in projects:
                text = container.download_blob(name).readall().decode()
                held.append((str(parsed.project_id), token_of(text), str(parsed.delivery_id)))
    return held


def _rows(stack: Stack, projects: list[str]) -> list[Held]:
    with psycopg.connect(stack.postgres.dsn("hub"), row_factory=dict_row) as connection:
        rows = connection.execute(ROWS, [projects]).fetchall()
    return [
        Held(
            project=str(row["project_id"]),
            token=token_of(row["content"]),
            id=str(row["id"]),
            contact=str(row["contact_id"]),
            content=row["content"],
            etag=row["source_etag"] or "",
            analyses=row["analyses"],
            files=row["files"],
            unseen=row["unseen"],
        )
        for row in rows
    ]


def _contacts(stack: Stack, projects: list[str]) -> list[tuple[str, str]]:
    with psycopg.connect(stack.postgres.dsn("hub")) as connection:
        query = "SELECT project_id, id FROM contacts WHERE project_id = ANY(%s)"
        return [(str(project), str(contact)) for project, contact in connection.execute(query, [projects])]


def _documents(stack: Stack, projects: list[str]) -> list[Held]:
    with CosmosClient.from_connection_string(stack.settings["HubCosmos"]) as client:
        container = client.get_database_client("hub").get_container_client("interactions")
        documents: list[dict[str, Any]] = list(container.read_all_items())
    return [
        Held(
            project=document["projectId"],
            token=token_of(json.dumps(document["content"])),
            id=document["id"],
            contact=document["contactId"],
            content=document["content"],
            etag=document["_etag"],
            analyses=1 if document.get("embedding") else 0,
        )
        for document in documents
        if document["projectId"] in projects
    ]
