"""How far a delivery came, message by message."""

from dataclasses import dataclass
from uuid import UUID

from shared.errors import Rejected
from shared.identifiers import DeliveryId, ProjectId
from shared.ingestion.raw import RawName
from shared.ingestion.store import SQL
from shared.models.views import DeliveryMessageView, DeliveryView
from shared.models.work import BlobContainer
from shared.stores.blobs import Blobs
from shared.stores.postgres import Postgres


@dataclass(frozen=True, slots=True)
class Progress:
    """Reads the state of deliveries."""

    postgres: Postgres
    blobs: Blobs

    async def of(self, project: ProjectId, delivery: DeliveryId, source: UUID | None, hour: str | None) -> DeliveryView:
        """Return a delivery's state. Raises Rejected 404 when there is none.

        `source` and `hour` are those of the answer's `Location`: with them a delivery that no worker has taken up yet
        is found in Blob, as `received`.
        """
        async with self.postgres.tenant(project) as transaction:
            row = await transaction.one(SQL["get_delivery"], project_id=project, id=delivery)
            messages = await transaction.all(SQL["list_delivery_messages"], project_id=project, id=delivery)
        if row is None:
            name = RawName.parse(f"{hour}/{project}/{source}/{delivery}")
            if name is None or not await self._is_kept(name):
                raise Rejected(404, "there is no such delivery", field="id")
            return DeliveryView(id=delivery, state="received", reason=None, received_at=None, messages=[])
        return DeliveryView(
            id=delivery,
            state=row["state"],
            reason=row["reason"],
            received_at=row["received_at"],
            messages=[DeliveryMessageView(**message) for message in messages],
        )

    async def _is_kept(self, name: RawName) -> bool:
        async for listed in self.blobs.list(BlobContainer.INBOUND, str(name)):
            return listed.name == str(name)
        return False
