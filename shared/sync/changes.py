"""Reading documents from the feed: each becomes a change that Postgres will take, or a dead letter with its reason."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from shared.errors import Permanent
from shared.inbox.dead_letters import DeadLetter
from shared.models.documents import InteractionDocument, iso
from shared.models.text import MAX_DEPTH, within_depth
from shared.stores.postgres import holds_nul

STAGE = "sync_interactions"
_SPELLING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ESCAPED_NUL = rb"\u0000"
_ORDINARY_BYTES = 4000  # of all but the content; an integer that Python won't read back has more digits


@dataclass(frozen=True, slots=True)
class Change:
    """One document, ready for `apply_documents`: as it came, as it was read, and as the JSON that Postgres takes.

    `contested` says that its batch held another version of it, and that nothing tells which of the two is the later.
    """

    document: Mapping[str, Any]
    read: InteractionDocument
    json: bytes
    contested: bool = False

    @property
    def id(self) -> UUID:
        """The interaction's id."""
        return self.read.id

    @property
    def contact_id(self) -> UUID:
        """The id of its contact."""
        return self.read.contact_id

    @property
    def tenants(self) -> tuple[UUID, ...]:
        """The ids that may name its project, in order."""
        return tuple(id_ for id_ in (self.read.project_id, self.read.organization_id) if id_)

    @property
    def key(self) -> tuple[str, str]:
        """Its id and its contact's, spelled as everywhere: in the order of the UUIDs, and faster to compare."""
        return self.document["id"], self.document["contactId"]

    @property
    def order(self) -> int:
        """Its place in the applied order, in microseconds."""
        return self.read.order

    @property
    def ts(self) -> int:
        """The store's clock, in seconds."""
        return self.read.ts

    @property
    def etag(self) -> str:
        """The store's name of this version."""
        return self.read.etag

    @property
    def pointer(self) -> dict[str, Any]:
        """What a dead letter says of the document."""
        return _pointer(self.document)

    @property
    def row(self) -> dict[str, Any]:
        """The shared columns of its row, as JSON has them."""
        return _row(self.read)

    def before(self, other: "Change") -> bool:
        """Whether this version is older by both clocks: the writers' `version` and the store's `_ts`."""
        return self.ts < other.ts and self.order <= other.order


def read_change(document: Mapping[str, Any]) -> Change | DeadLetter:
    """Return a document as a change, or as the dead letter of what is wrong with it. Never raises."""
    try:
        read = InteractionDocument.read(document)
        change = Change(document, read, _storable_json(read))
    except ValidationError as error:
        wrong = sorted({f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()})
        return DeadLetter(None, STAGE, "; ".join(wrong[:5]), _pointer(document))
    except Permanent as error:
        return DeadLetter(None, STAGE, error.reason, _pointer(document))
    except Exception as error:  # noqa: BLE001 # unforeseen: no reader could ever pass it and what stands behind it
        return DeadLetter(None, STAGE, f"can't be read ({type(error).__name__})", _pointer(document))
    if not (_SPELLING.fullmatch(document["id"]) and _SPELLING.fullmatch(document["contactId"])):
        # Cosmos DB tells spellings apart: two documents would share one row, and none be found by it.
        reason = "id, contactId: must be spelled in lower case with hyphens"
        return DeadLetter(None, STAGE, reason, _pointer(document))
    return change


def newer(one: Change, other: Change) -> Change:
    """Return the newer of two versions of one document, of the two the second where nothing tells."""
    if one.etag == other.etag or other.before(one):
        return one
    return replace(other, contested=one.contested or not one.before(other))


def _storable_json(read: InteractionDocument) -> bytes:
    """Return the document as JSON that Postgres takes. Raises Permanent, which names the field that it would refuse."""
    try:
        text = to_json(read.__dict__)
    except PydanticSerializationError:
        _check_fields(read)
        raise Permanent("metadata: can't be stored as JSON") from None
    # Most documents give no cause to look closer, and looking takes longer than everything else. The content is last
    # and has at least a byte for each character: what is before it is in `rest`.
    rest = text[: len(text) - len(read.content)]
    if "\0" in read.content or _ESCAPED_NUL in rest or b"NaN" in rest or b"Infinity" in rest:
        _check_fields(read)
    elif len(rest) > _ORDINARY_BYTES or rest.count(b"{") + rest.count(b"[") > MAX_DEPTH:
        _check_metadata(read.metadata)
    return text


def _check_fields(read: InteractionDocument) -> None:
    for name, value in (("type", read.type), ("content", read.content), ("_etag", read.etag)):
        _check_storable(name, value)
    _check_metadata(read.metadata)


def _check_metadata(metadata: dict[str, Any]) -> None:
    if not within_depth(metadata):
        raise Permanent(f"metadata: is nested more than {MAX_DEPTH} deep")
    _check_storable("metadata", metadata)


def _check_storable(name: str, value: object) -> None:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise Permanent(f"{name}: can't be stored as JSON ({type(error).__name__})") from None
    if holds_nul(text):
        raise Permanent(f"{name}: must not hold NUL")


def _row(read: InteractionDocument) -> dict[str, Any]:
    return {
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


def _pointer(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _short(document.get(name)) for name in ("id", "contactId", "projectId", "_etag")}


def _short(value: object) -> object:
    return value[:100].replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else None
