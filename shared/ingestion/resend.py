"""Replaying dead letters of queues: the work is sent again, as if for the first time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from shared.errors import Rejected
from shared.ingestion.drain import STAGES
from shared.ingestion.external_bodies import ExternalBodies
from shared.models.work import AskedAttachment, AskedMessage, DeliveryWork, QueueName, Work
from shared.stores.queues import Queues

MODELS: dict[QueueName, type[Work]] = {
    QueueName.INBOUND: DeliveryWork,
    QueueName.MESSAGE_ANALYSIS: AskedMessage,
    QueueName.ATTACHMENT_ANALYSIS: AskedAttachment,
}
Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resend:
    """Sends work again. Every step bears doubles, so a send whose answer was lost does no harm."""

    queues: Queues
    externals: ExternalBodies

    def stages(self) -> dict[str, Callable[[Payload], Awaitable[None]]]:
        """Return what replays the letters of each stage."""
        return {stage: partial(self.send, queue) for queue, stage in STAGES.items()}

    async def send(self, queue: QueueName, payload: Payload) -> None:
        """Send a letter's work to its queue. Raises Rejected 409 for work that could not be read."""
        if queue is QueueName.EXTERNAL:
            await self.queues.send_text(queue, await self.externals.read(payload))
            return
        try:
            work = MODELS[queue].model_validate(payload | {"attempt": 0})
        except ValidationError:
            raise Rejected(409, "the work can't be read, so it can't be replayed; discard the letter") from None
        await self.queues.send(queue, work)
