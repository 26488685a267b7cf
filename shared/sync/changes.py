"""Reading documents from the feed: each becomes a change that Postgres will take, or a dead letter with its reason."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.errors import Permanent
from shared.inbox.dead_letters import DeadLetter
from shared.models.documents import InteractionDocument, iso
from shared.models.text import MAX_DEPTH, within_depth
from shared.stores.postgres import holds_nul

STAGE = "sync_interactions"


@dataclass(frozen=True, slots=True)
class Change:
    """One document, ready for `apply_documents`.

    `tenants` are the ids that may name its project, in order. `contested` says that its batch held another version
    of it, and that nothing tells which of the two is the later one.
    """

    id: UUID
    contact_id: UUID
    tenants: tuple[UUID, ...]
    order: int
    ts: int
    etag: str
    pointer: dict[str, Any]
    row: dict[str, Any]
    contested: bool = False

    def before(self, other: "Change") -> bool:
        """Whether this version is older by both clocks: the writers' `version` and the store's `_ts`."""
        return self.ts < other.ts and self.order <= other.order


def read_change(document: dict[str, Any]) -> Change | DeadLetter:
    """Return a document as a change, or as the dead letter of what is wrong with it. Never raises."""
    pointer = {name: _short(document.get(name)) for name in ("id", "contactId", "projectId", "_etag")}
    try:
        read = InteractionDocument.model_validate(document)
        row = _row(read)
    except ValidationError as error:
        wrong = sorted({f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()})
        return DeadLetter(None, STAGE, "; ".join(wrong[:5]), pointer)
    except OverflowError:
        return DeadLetter(None, STAGE, "timestamp: is past the calendar", pointer)
    except Permanent as error:
        return DeadLetter(None, STAGE, error.reason, pointer)
    if (document["id"], document["contactId"]) != (row["id"], row["contact_id"]):
        # Cosmos DB tells spellings apart: two documents would share one row, and none be found by it.
        return DeadLetter(None, STAGE, "id, contactId: must be spelled in lower case with hyphens", pointer)
    tenants = tuple(id_ for id_ in (read.project_id, read.organization_id) if id_)
    return Change(read.id, read.contact_id, tenants, read.order, read.ts, read.etag, pointer, row)


def newest(changes: Iterable[Change]) -> list[Change]:
    """Return one version of each document, its newest, ordered by id: one statement must not touch a row twice."""
    latest: dict[tuple[UUID, UUID], Change] = {}
    for change in changes:
        key = (change.id, change.contact_id)
        latest[key] = _newer(latest[key], change) if key in latest else change
    return sorted(latest.values(), key=lambda change: (change.id, change.contact_id))


def _newer(one: Change, other: Change) -> Change:
    if one.etag == other.etag or other.before(one):
        return one
    return replace(other, contested=one.contested or not one.before(other))


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
    for name in ("type", "content", "metadata", "source_etag"):
        _check_storable(name, row[name])
    return row


def _check_storable(name: str, value: object) -> None:
    if not within_depth(value):
        raise Permanent(f"{name}: is nested more than {MAX_DEPTH} deep")
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # a lone surrogate raises here, not in the batch's statement
    except (ValueError, TypeError, RecursionError) as error:
        raise Permanent(f"{name}: can't be stored as JSON ({type(error).__name__})") from None
    if holds_nul(text):
        raise Permanent(f"{name}: must not hold NUL")


def _short(value: object) -> object:
    return value[:100].replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else None
