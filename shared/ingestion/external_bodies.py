"""Bodies of external messages that became dead letters: content, so kept in Blob, not in Postgres."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.errors import Rejected
from shared.identifiers import canonical_json, sha256_hex
from shared.ingestion.sources import Sources
from shared.models.external import ExternalMessage
from shared.models.work import BlobContainer
from shared.stores.blobs import Blobs

FOLDER = "dead-letters"


@dataclass(frozen=True, slots=True)
class ExternalBodies:
    """Keeps and finds those bodies."""

    sources: Sources
    blobs: Blobs

    async def keep(self, body: bytes) -> tuple[UUID | None, dict[str, Any]]:
        """Keep a body, and return its project, when its source tells one, and what points at it."""
        kept = _first_sent(body)
        name = f"{FOLDER}/{sha256_hex(kept)}"
        await self.blobs.put_new(
            BlobContainer.EXTERNAL, name, kept, content_type="application/octet-stream", metadata={}
        )
        source = _source(kept)
        return await self._project(source), {"body": name, "source": str(source) if source else None}

    async def read(self, payload: dict[str, Any]) -> str:
        """Return a kept body as its sender may send it again. Raises Rejected 409 when that can't be."""
        blob = await self.blobs.get(BlobContainer.EXTERNAL, str(payload.get("body")))
        if blob is None:
            raise Rejected(409, "the message's body is no longer in Blob Storage; discard the letter")
        try:
            return blob.raw.decode()
        except UnicodeDecodeError:
            raise Rejected(409, "the message is not text; discard the letter") from None

    async def _project(self, source: UUID | None) -> UUID | None:
        if source is None:
            return None
        try:
            return (await self.sources.find(source)).project_id
        except Rejected:
            return None


def _first_sent(body: bytes) -> bytes:
    """Return a message as it was before it was put off, so that one message is one letter."""
    try:
        message = ExternalMessage.model_validate_json(body)
    except ValidationError:
        return body
    return canonical_json(message.model_dump(mode="json", exclude={"attempt"}))


def _source(body: bytes) -> UUID | None:
    try:
        return UUID(json.loads(body)["source"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
