"""drain_poison: what failed five times becomes a dead letter at once, before the queue forgets it."""

import json
import sys
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.clock import Clock
from shared.identifiers import ProjectId
from shared.inbox.dead_letters import DeadLetter, DeadLetterLimit, bury
from shared.ingestion.external_bodies import ExternalBodies
from shared.ingestion.store import SQL
from shared.models.work import DeliveryWork, QueueName, Work
from shared.stores.postgres import Postgres, Transaction

FAILED = "failed five times; the log has the cause"
NOT_BASE64 = "not base64, which messageEncoding in host.json asks for"
STAGES = {
    QueueName.EXTERNAL: "accept_message",
    QueueName.INBOUND: "store_message",
    QueueName.MESSAGE_ANALYSIS: "analyze_message",
    QueueName.ATTACHMENT_ANALYSIS: "analyze_attachment",
}


@dataclass(frozen=True, slots=True)
class Drain:
    """Keeps failed work. Running twice for one message keeps one dead letter: the platform's copy may be double."""

    postgres: Postgres
    clock: Clock
    externals: ExternalBodies
    limit: DeadLetterLimit

    async def drain(self, queue: QueueName, body: bytes, reason: str = FAILED) -> None:
        """Keep a message of the poison queue of `queue`, whatever the limit: the platform forgets it after a week."""
        await self._keep(queue, body, reason, DeadLetterLimit(sys.maxsize))

    async def bury(self, queue: QueueName, body: bytes, reason: str) -> None:
        """Keep work that can't succeed with its reason; a delivery it was for comes to its end in one transaction.

        Raises Transient when the step has left too many dead letters lately.
        """
        await self._keep(queue, body, reason, self.limit)

    async def _keep(self, queue: QueueName, body: bytes, reason: str, limit: DeadLetterLimit) -> None:
        if queue is QueueName.EXTERNAL:
            project, payload = await self.externals.keep(body)
        else:
            payload = _payload(body)
            project = _project(payload)
        async with self.postgres.sweeper() as transaction:
            await limit.check(transaction, STAGES[queue])
            await bury(transaction, DeadLetter(project, STAGES[queue], reason, payload))
            if queue is QueueName.INBOUND:
                await self._end_delivery(transaction, payload, reason)

    async def _end_delivery(self, transaction: Transaction, payload: dict[str, Any], reason: str) -> None:
        try:
            work = DeliveryWork.model_validate(payload)
        except ValidationError:
            return
        await transaction.execute(
            SQL["end_delivery"],
            project_id=work.project_id,
            id=work.delivery_id,
            source_id=work.source_id,
            blob_name=work.blob,
            state="dead",
            reason=reason,
            received_at=self.clock.now(),
        )
        await transaction.as_tenant(ProjectId(work.project_id))
        await transaction.execute(
            SQL["end_delivery_messages"], project_id=work.project_id, id=work.delivery_id, reason=reason
        )


def _payload(body: bytes) -> dict[str, Any]:
    """Return the work as it was, or as base64 where Postgres would refuse it: NUL, half a surrogate pair, NaN."""
    try:
        value = json.loads(body)
        plain = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {"unreadable": b64encode(body).decode()}
    readable = isinstance(value, dict) and b"\\u0000" not in plain
    return value if readable else {"unreadable": b64encode(body).decode()}


def _project(payload: dict[str, Any]) -> Any:
    try:
        return Work.model_validate(payload).project_id
    except ValidationError:
        return None
