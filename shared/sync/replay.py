"""Replaying dead letters of the change feed: the document is read where it is and applied."""

from dataclasses import dataclass
from typing import Any

from shared.errors import Rejected
from shared.stores.cosmos import Documents
from shared.sync.apply import Sync
from shared.sync.changes import STAGE

__all__ = ["STAGE", "Reapply"]


@dataclass(frozen=True, slots=True)
class Reapply:
    """Applies single documents. What still can't be applied leaves its dead letter again, seen once more."""

    documents: Documents
    sync: Sync

    async def apply(self, payload: dict[str, Any]) -> None:
        """Apply the document that a letter points at, as it is now. Raises Rejected 409 when there is none."""
        identifier, contact = payload.get("id"), payload.get("contactId")
        if not isinstance(identifier, str) or not isinstance(contact, str):
            raise Rejected(409, "the letter does not say which document it is; discard it")
        document = await self.documents.read(identifier, contact)
        if document is None:
            raise Rejected(409, "the document is no longer in Cosmos DB; discard the letter")
        await self.sync.apply_changes([document])
