"""A gateway to the scripted model, and what the administrator sees of its calls."""

import heapq
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from azure.functions.queue import QueueMessage

from functions.analyze_message import _analyze
from functions.work import run_step
from shared.ai.gateway import Gateway, Subject
from shared.clock import Clock
from shared.identifiers import InteractionId, MessageId
from shared.models.work import AskedMessage, MessageWork, QueueName
from shared.services import Services
from tests.integration.tenant import Tenant, mail
from tests.model_server.server import ModelServer

SENT = datetime(2026, 11, 22, tzinfo=UTC)
TEXT = "Where is my order A-10293? Please ring +44 20 7946 0123."


class MovedClock:
    """The machine's clock, moved."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class ModelCalls:
    """A project whose messages a scripted model reads; `hub` is one worker's parts."""

    tenant: Tenant
    server: ModelServer
    hub: Services
    clock: MovedClock

    def worker(self, clock: Clock | None = None, **changed: str) -> Services:
        """Return the parts of another worker."""
        return self.tenant.services(clock or self.clock, **settings(self.server), **changed)

    @property
    def gateway(self) -> Gateway:
        return self.hub.gateway

    def about(self) -> Subject:
        return Subject(self.tenant.id, InteractionId(uuid4()), MessageId(uuid4()))

    async def ask(self, about: Subject | None = None, hub: Services | None = None) -> Any:
        gateway = (hub or self.hub).gateway
        return await gateway.analyze_message(about or self.about(), TEXT, subject="Hi", sent_at=SENT)

    async def delivered(self) -> MessageWork:
        """Deliver a mail, and return the work that it makes."""
        await self.tenant.deliver("email", mail())
        (work,) = self.tenant.take(QueueName.MESSAGE_ANALYSIS)
        return MessageWork.model_validate(work)

    def log(self) -> list[dict[str, Any]]:
        return self.tenant.rows(
            'SELECT * FROM ai_interactions WHERE project_id = %s ORDER BY "timestamp", repair', self.tenant.id
        )

    def wants(self, **changed: object) -> None:
        """Change the project's settings."""
        for name, value in changed.items():
            self.tenant.rows(f"UPDATE projects SET {name} = %s WHERE id = %s", value, self.tenant.id)

    def terms(self) -> tuple[object, ...]:
        """Return the project's settings."""
        row = self.tenant.one(
            "SELECT ai_daily_tokens, ai_daily_cost, ai_bodies, ai_body_days, ai_log_days FROM projects WHERE id = %s",
            self.tenant.id,
        )
        assert row
        return tuple(row.values())

    def day(self) -> dict[str, Any]:
        """Return what today's calls took."""
        found = self.tenant.one(
            "SELECT reserved_tokens, spent_tokens, reserved_cost, spent_cost FROM ai_budget_days"
            " WHERE project_id = %s AND day = %s",
            self.tenant.id,
            self.clock.now().date(),
        )
        return found or dict.fromkeys(("reserved_tokens", "spent_tokens", "reserved_cost", "spent_cost"), Decimal(0))


class HostTime:
    """The queue `message-analysis` on host time: what is put off is seen again when the clock gets there."""

    def __init__(self, hub: Services, clock: MovedClock) -> None:
        self.hub, self.clock = hub, clock
        self.delays: list[float] = []
        self._waiting: list[tuple[datetime, int, AskedMessage | MessageWork]] = []
        self._sent = 0
        hub.queues.send = self._send  # type: ignore[method-assign,assignment] # host time instead of the service's

    async def _send(self, _: QueueName, work: AskedMessage | MessageWork, *, delay: timedelta = timedelta()) -> None:
        self.delays.append(delay.total_seconds())
        self.put(work, self.clock.now() + delay)

    def put(self, work: AskedMessage | MessageWork, at: datetime | None = None) -> None:
        """Put a message into the queue."""
        self._sent += 1
        heapq.heappush(self._waiting, (at or self.clock.now(), self._sent, work))

    async def run(self, until: datetime | None = None) -> None:
        """Do what is due, up to a moment or to the last message."""
        while self._waiting and (until is None or self._waiting[0][0] <= until):
            due, _, work = heapq.heappop(self._waiting)
            self.clock.ahead += max(timedelta(), due - self.clock.now())
            message = QueueMessage(id="1", body=work.model_dump_json().encode())
            await run_step(QueueName.MESSAGE_ANALYSIS, AskedMessage, message, _analyze)


def settings(server: ModelServer) -> dict[str, str]:
    """Return the settings of an app that asks the scripted model."""
    return {"AI_PROVIDER": "openai", "OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.base_url}
