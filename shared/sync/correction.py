"""Correcting an interaction: its document is replaced in Cosmos DB, and comes to Postgres as every change does."""

import json
from dataclasses import dataclass
from pathlib import Path

from shared.clock import Clock
from shared.errors import Contended, Rejected, Transient
from shared.identifiers import InteractionId, ProjectId, canonical_json
from shared.inbox.dead_letters import DeadLetter
from shared.inbox.etags import IfMatch, etag_of
from shared.inbox.reading import History
from shared.models.corrections import Correction
from shared.models.document_versions import current_form
from shared.models.text import MAX_CONTENT_BYTES, MAX_METADATA_BYTES
from shared.models.views import InteractionView
from shared.stores.cosmos import Document, Documents
from shared.stores.postgres import Postgres, Row
from shared.stores.sql import SqlBlocks
from shared.sync.apply import Sync
from shared.sync.changes import Change, read_change
from shared.sync.owners import owner_of
from shared.sync.versions import MAX_RACES, next_version

SQL = SqlBlocks(Path(__file__).with_name("correction.sql"))
SHARED = ("agent_id", "organization_id", "type", "content", "timestamp", "metadata")
LIMITS = {"content": MAX_CONTENT_BYTES, "metadata": MAX_METADATA_BYTES}


@dataclass(frozen=True, slots=True)
class Corrections:
    """Corrects interactions. Summary, analysis, embedding and tags stay those of the message as it came."""

    postgres: Postgres
    documents: Documents
    sync: Sync
    history: History
    clock: Clock

    async def correct(
        self, project: ProjectId, interaction: InteractionId, patch: Correction, if_match: IfMatch
    ) -> InteractionView:
        """Correct what a caller has seen, and return it as it is then; a patch that changes nothing writes nothing.

        Raises Rejected: 404 when there is none, 412 when it is no longer what was seen, 409 when its document is
        gone or broken, 422 for a result that can't be stored. Raises Transient while Cosmos DB has not confirmed it.
        """
        seen = await self._row(project, interaction)
        if seen["source_etag"] is None:
            raise Contended("Cosmos DB has not confirmed the interaction yet")
        if_match.check(etag_of(seen["source_etag"]) or "")
        replaced = await self._replace(project, seen, patch)
        if replaced:
            await self.sync.apply_changes([replaced])
            if (await self._row(project, interaction))["source_version"] < replaced["version"]:
                raise Transient("the correction has not reached Postgres")
        return await self.history.interaction(project, interaction)

    async def _row(self, project: ProjectId, interaction: InteractionId) -> Row:
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(SQL["living_interaction"], project_id=project, id=interaction)
        if row is None:
            raise Rejected(404, "there is no such interaction", field="id")
        return row

    async def _replace(self, project: ProjectId, seen: Row, patch: Correction) -> Document | None:
        """Write the correction over what was seen; None when there is nothing to write."""
        for _ in range(MAX_RACES):
            document = await self._document(project, seen)
            changed = patch.applied_to(document)
            if canonical_json(changed) == canonical_json({name: document.get(name) for name in changed}):
                return None
            version = next_version(document.get("version"), self.clock.now())
            # A tenant that followed from the organization would move with it, so the project is always written.
            corrected = document | changed | {"projectId": str(project), "version": version}
            _check_storable(corrected, changed)
            replaced = await self.documents.replace(corrected, etag=document["_etag"])
            if replaced:
                return replaced
        raise Contended("the document is being changed by others")

    async def _document(self, project: ProjectId, seen: Row) -> Document:
        """Return the document of a row, in its current form. Raises Rejected 412 when its shared fields have changed.

        An embedding or tags written meanwhile make another `_etag` of the same interaction. Whatever was written is
        applied first, so that a caller who reads again is shown it, however late the feed is.
        """
        document = await self.documents.read(str(seen["id"]), str(seen["contact_id"]))
        if document is None:
            raise Rejected(409, "its document is not in Cosmos DB", field="id")
        if document["_etag"] != seen["source_etag"]:
            await self.sync.apply_changes([document])
            now = await self._row(project, seen["id"])
            if any(repr(now[name]) != repr(seen[name]) for name in SHARED):  # for Python, True is 1
                raise Rejected(412, "it has changed since; read it again, then correct that", field="If-Match")
            change = read_change(document)
            if not isinstance(change, Change) or await self._owner(change) != project:
                raise Rejected(409, "its document can't be applied; dead letters say why", field="id")
        return dict(current_form(document))

    async def _owner(self, change: Change) -> ProjectId | None:
        async with self.postgres.transaction() as transaction:
            return await owner_of(transaction, change)


def _check_storable(corrected: Document, changed: Document) -> None:
    for name, limit in LIMITS.items():
        value = changed.get(name, "")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(text.encode()) > limit:
            raise Rejected(422, f"{name}: is larger than {limit} bytes", field=name)
    # What sync would not take must not be written: it would be a dead letter of our own making.
    read = read_change(corrected)
    if isinstance(read, DeadLetter):
        raise Rejected(422, read.reason, field=read.reason.partition(":")[0])
