"""Reading documents from the feed: each becomes a change that Postgres will take, or a dead letter with its reason."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.inbox.dead_letters import DeadLetter
from shared.models.documents import InteractionDocument, iso

STAGE = "sync_interactions"


@dataclass(frozen=True, slots=True)
class Change:
    """One document, ready for `apply_documents`; `tenants` are the ids that may name its project, in order."""

    id: UUID
    contact_id: UUID
    tenants: tuple[UUID, ...]
    order: int
    pointer: dict[str, Any]
    row: dict[str, Any]


def read_change(document: dict[str, Any]) -> Change | DeadLetter:
    """Return a document as a change, or as the dead letter of what is wrong with it. Never raises."""
    pointer = {name: _short(document.get(name)) for name in ("id", "contactId", "projectId", "_etag")}
    try:
        read = InteractionDocument.model_validate(document)
        row = _row(read)
    except ValidationError as error:
        wrong = sorted({f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()})
        return DeadLetter(None, STAGE, "; ".join(wrong[:5]), pointer)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return DeadLetter(None, STAGE, f"metadata or a text can't be stored: {type(error).__name__}", pointer)
    tenants = tuple(id_ for id_ in (read.project_id, read.organization_id) if id_)
    return Change(read.id, read.contact_id, tenants, read.order, pointer, row)


def newest(changes: list[Change]) -> list[Change]:
    """Return the latest change of each interaction, ordered by id: one statement must not touch a row twice."""
    latest: dict[tuple[UUID, UUID], Change] = {}
    for change in changes:
        key = (change.id, change.contact_id)
        if key not in latest or latest[key].order <= change.order:
            latest[key] = change
    return sorted(latest.values(), key=lambda change: (change.id, change.contact_id))


def _row(read: InteractionDocument) -> dict[str, Any]:
    row = {
        "id": str(read.id),
        "contact_id": str(read.contact_id),
        "agent_id": str(read.agent_id) if read.agent_id else None,
        "organization_id": str(read.organization_id) if read.organization_id else None,
        "type": read.type,
        "content": read.content,
        "timestamp": iso(read.timestamp),
        "metadata": read.metadata,
        "deleted": read.deleted,
        "source_version": read.order,
        "source_ts": read.ts,
        "source_etag": read.etag,
    }
    text = json.dumps(row, allow_nan=False, ensure_ascii=False)
    text.encode()  # a lone surrogate raises here, not in the batch's statement
    if "\\u0000" in text:
        raise ValueError("NUL")
    return row


def _short(value: object) -> object:
    return value[:100].replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else None
