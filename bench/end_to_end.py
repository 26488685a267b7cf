"""From webhook to analysis: a burst of mixed messages through the host, against the app's parts without host and queue.

The limit is the same code on the same stores in one process, called by hand: what it can't do, no host can.
"""

import asyncio
import json
import random
import shutil
import time
from base64 import b64encode
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from functools import cached_property, partial
from io import BytesIO
from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid4

from bench.clients import Run, run_at_once
from bench.figures import Figure, Result, percentile
from bench.mails import mails
from bench.progress import say
from bench.webhook_load import PROSE
from local.checkout import STATE
from local.stack.host import HostProcess
from local.stack.stack import Stack
from local.trouble import Trouble
from schema.demo_project import SeededSource, seed
from shared.errors import HubError, Transient
from shared.identifiers import InteractionId, MessageId, ProjectId, message_id
from shared.ingestion.provider import WebhookRequest
from shared.ingestion.standard_webhooks import sign
from shared.models.work import AttachmentWork, DeliveryWork, MessageWork, QueueName, Task
from shared.services import Services
from shared.settings import Settings
from shared.stores.queues import Queues

if TYPE_CHECKING:
    import aiohttp

GOAL = 0.5
MESSAGES = 500
WARM_UP = 30
CONCURRENCY = 16
CUSTOMERS = 120
IMAGE_EVERY = 10
PATIENCE_SECONDS = 300
LOOK_SECONDS = 1
SHOWN = 10
TRIES = 5
OUT_OF_BREATH = "A machine out of breath is one reason; run it again when nothing else runs."

Kind = Literal["email", "chat", "mime"]
KINDS: tuple[Kind, ...] = ("email", "chat", "mime")
CONTENT_TYPES: Mapping[Kind, str] = {"email": "application/json", "chat": "application/json", "mime": "message/rfc822"}
Sources = Mapping[Kind, SeededSource]


@dataclass(frozen=True, slots=True)
class Message:
    """One body to post."""

    kind: Kind
    body: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was accepted; `at` is when its post began."""

    kind: Kind
    at: datetime
    delivery_id: UUID
    message_id: MessageId


@dataclass(frozen=True, slots=True)
class Tenant:
    """A project with a source of each kind."""

    project: ProjectId
    sources: Sources


Post = Callable[[SeededSource, Message, dict[str, str]], Awaitable[bytes]]


def measure() -> Result:
    """Send the burst through the host, stop it, and do the same by hand for another project of the same stack."""
    burst, warm_up = messages(MESSAGES, seed=3), messages(WARM_UP, seed=4)
    with _stack() as stack:
        through = _through_host(stack, warm_up, burst)
        say(f"  through the host: {through.rate:.1f} messages/s")
        by_hand = asyncio.run(_by_hand(stack, warm_up, burst))
        say(f"  in process: {by_hand.rate:.1f} messages/s")
    return compare(through, by_hand)


def compare(through: Run, by_hand: Run) -> Result:
    """Return the result of the burst through the host and of the same messages in process."""
    latencies = through.latencies
    return Result(
        figure=Figure("end_to_end_vs_in_process", through.rate / by_hand.rate, GOAL, "at least"),
        columns=("", "messages/s", "p50 s", "p95 s"),
        rows=(_row("webhook to analysis, through the host", through), _row("in process (limit)", by_hand)),
        notes=(
            f"One burst of {len(latencies)} signed messages after a warm-up of {WARM_UP}: emails, chats and raw mails",
            f"in turns, each {IMAGE_EVERY}th with an image of its own; {CONCURRENCY} senders, each waits for its 202.",
            "Seconds: from the begin of the post to ai_analysis.created_at, when the findings' transaction began;",
            "in a burst mostly waiting, so they grow with it. Messages/s: from the first post to the last analysis.",
            f"Limit: the same messages received, stored and analysed by the app's own parts, {CONCURRENCY} at once,",
            "without HTTP, queues, feed and timers, on the same stores (Azurite on disk) with the host stopped.",
        ),
        measured={
            "webhook_to_analysis_p50_s": percentile(latencies, 0.5),
            "webhook_to_analysis_p95_s": percentile(latencies, 0.95),
            "messages_per_s": through.rate,
            "in_process_messages_per_s": by_hand.rate,
        },
    )


def _row(name: str, run: Run) -> tuple[str, ...]:
    p50, p95 = (percentile(run.latencies, share) for share in (0.5, 0.95))
    return name, f"{run.rate:.1f}", f"{p50:.2f}", f"{p95:.2f}"


def timed(sent: Sequence[Sent], analysed: Mapping[MessageId, datetime]) -> Run:
    """Return the time each message took, and all of them from the first post to the last analysis."""
    ends = [analysed[each.message_id] for each in sent]
    latencies = [(end - each.at).total_seconds() for each, end in zip(sent, ends, strict=True)]
    return Run((max(ends) - min(each.at for each in sent)).total_seconds(), latencies)


def unfinished(
    sent: Sequence[Sent], analysed: Mapping[MessageId, datetime], states: Mapping[UUID, str]
) -> Trouble | None:
    """Return what to say of messages that are not analysed, by kind and with the first of them; None without any.

    `states` says by delivery how far it came; one that is not in it was never taken up.
    """
    missing = [each for each in sent if each.message_id not in analysed]
    if not missing:
        return None
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(each.kind for each in missing).items()))
    lines = [
        f"{each.kind} delivery {each.delivery_id}: {states.get(each.delivery_id, 'not begun')}" for each in missing
    ]
    more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return Trouble(
        f"{len(missing)} of {len(sent)} messages are not analysed after {PATIENCE_SECONDS} s ({kinds})",
        do=OUT_OF_BREATH,
        log="\n".join([*lines[:SHOWN], *more]),
    )


def messages(count: int, seed: int) -> list[Message]:
    """Return JSON emails, chats and raw mails in turns, some with an image that no other has."""
    chance = random.Random(seed)
    raw_mails = iter(mails(count // len(KINDS) + 1, seed))
    made = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        image = _image(chance) if number % IMAGE_EVERY == 0 else None
        if kind == "mime":
            body = _with_image(next(raw_mails).raw, image)
        else:
            body = json.dumps(_fields(kind, f"{seed}-{number}", chance, image)).encode()
        made.append(Message(kind, body))
    return made


def _fields(kind: Kind, name: str, chance: random.Random, image: bytes | None) -> dict[str, object]:
    customer = f"customer{chance.randrange(CUSTOMERS)}"
    files = (
        [{"filename": "clock.jpg", "contentType": "image/jpeg", "contentBase64": b64encode(image).decode()}]
        if image
        else []
    )
    shared: dict[str, object] = {
        "messageId": f"<{name}@example.com>",
        "sentAt": datetime.now(UTC).isoformat(),
        "attachments": files,
    }
    text = f"Message {name}. " + PROSE * chance.randint(1, 8) + "Could you look at it on Friday? I'm quite upset."
    if kind == "chat":
        return shared | {"clientId": customer, "conversationId": customer, "content": text}
    sender = f"Ada Quill <{customer}@example.com>"
    return shared | {"from": sender, "to": ["shop@example.com"], "subject": f"The clock {name}", "text": text}


def _image(chance: random.Random) -> bytes:
    """Return a JPEG of some kilobytes that no other is equal to: the app looks at the same bytes only once."""
    from PIL import Image

    blots = Image.frombytes("RGB", (16, 12), chance.randbytes(16 * 12 * 3))
    buffer = BytesIO()
    blots.resize((640, 480)).save(buffer, "JPEG")
    return buffer.getvalue()


def _with_image(raw: bytes, image: bytes | None) -> bytes:
    if image is None:
        return raw
    message = message_from_bytes(raw, _class=EmailMessage, policy=SMTP)
    message.add_attachment(image, maintype="image", subtype="jpeg", filename="clock.jpg")
    return message.as_bytes()


@contextmanager
def _stack() -> Iterator[Stack]:
    """Start an empty stack, and leave nothing of it."""
    # On disk: in memory Azurite stands still for minutes when it collects messages that were deleted.
    state = STATE / "bench"
    stack = Stack(state)
    with ExitStack() as undo:
        shutil.rmtree(state, ignore_errors=True)
        undo.callback(shutil.rmtree, state, ignore_errors=True)
        undo.callback(stack.stop)
        say("  starting a stack of its own")
        stack.start()
        yield stack


def _through_host(stack: Stack, warm_up: Sequence[Message], burst: Sequence[Message]) -> Run:
    host = HostProcess(stack, settings={"LOCAL_HOST_LOG_LEVEL": "WARNING"})
    with ExitStack() as undo:
        undo.callback(host.stop)
        host.start()
        return asyncio.run(_post_all(stack, host.base_url, warm_up, burst))


async def _post_all(stack: Stack, base_url: str, warm_up: Sequence[Message], burst: Sequence[Message]) -> Run:
    import aiohttp

    hub = Services(Settings(**stack.settings))  # type: ignore[arg-type] # names and texts as in the environment
    async with _closed_after(hub), aiohttp.ClientSession(base_url) as session:
        tenant = await _tenant(stack, "Through the host")
        await _run(hub, tenant, warm_up, partial(_post, session))
        return await _run(hub, tenant, burst, partial(_post, session))


async def _run(hub: Services, tenant: Tenant, batch: Sequence[Message], post: Post) -> Run:
    say(f"  sending {len(batch)} messages")
    sent = await _send(tenant, batch, post)
    return timed(sent, await _wait(hub, tenant.project, sent))


async def _post(session: "aiohttp.ClientSession", to: SeededSource, message: Message, headers: dict[str, str]) -> bytes:
    async with session.post(to.path, data=message.body, headers=headers) as answer:
        body = await answer.read()
    if answer.status != 202:
        raise Trouble(f"the host answered {answer.status}: {body[:300]!r}", do=OUT_OF_BREATH)
    return body


async def _by_hand(stack: Stack, warm_up: Sequence[Message], burst: Sequence[Message]) -> Run:
    hub = ByHand(Settings(**stack.settings))  # type: ignore[arg-type] # names and texts as in the environment
    async with _closed_after(hub):
        tenant = await _tenant(stack, "By hand")
        await _run(hub, tenant, warm_up, hub.take)
        return await _run(hub, tenant, burst, hub.take)


@asynccontextmanager
async def _closed_after(hub: Services) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await hub.close()


class HandedOver(Queues):
    """Keeps work in memory instead of sending it."""

    def __init__(self) -> None:
        super().__init__(None, None, None)
        self.waiting = deque[Task]()

    async def send(self, queue: QueueName, work: Task, *, delay: timedelta = timedelta()) -> None:  # noqa: ARG002 # as the class above has it
        """Keep `work`."""
        self.waiting.append(work)


class ByHand(Services):
    """The app's parts, with what they send done by whoever is free."""

    @cached_property
    def queues(self) -> HandedOver:
        """Work that nobody does yet."""
        return HandedOver()

    async def take(self, to: SeededSource, message: Message, headers: dict[str, str]) -> bytes:
        """Receive one call, then work until nothing waits."""
        answer = await self.ingest.receive(to.channel, str(to.id), WebhookRequest(headers, {}, message.body))
        while self.queues.waiting:
            work = self.queues.waiting.popleft()
            try:
                await self._do(work)
            except Transient:
                # Two messages of a new customer at once; a queue would show it again, too.
                if work.attempt == TRIES:
                    raise
                self.queues.waiting.append(work.model_copy(update={"attempt": work.attempt + 1}))
        return answer.body

    async def _do(self, work: Task) -> None:
        if isinstance(work, DeliveryWork):
            await self.store.store(work)
        elif isinstance(work, MessageWork):
            await self.message_analyst.analyze(work)
        elif isinstance(work, AttachmentWork):
            await self.attachment_analyst.analyze(work)


async def _tenant(stack: Stack, name: str) -> Tenant:
    # seed() runs an event loop of its own.
    seeded = await asyncio.to_thread(seed, stack.owner_dsn(), stack.settings, name)
    sources = seeded.sources
    return Tenant(seeded.id, {"email": sources["email"], "chat": sources["chat"], "mime": seeded.raw})


async def _send(tenant: Tenant, batch: Sequence[Message], post: Post) -> list[Sent]:
    """Sign and post everything, `CONCURRENCY` at once; `post` returns the body of the 202."""
    sent: list[Sent] = []

    async def one(message: Message) -> None:
        source = tenant.sources[message.kind]
        headers = _signed(source.secret, message)
        at = datetime.now(UTC)
        answer = json.loads(await post(source, message, headers))
        (interaction,) = answer["interactionIds"]
        known_as = message_id(tenant.project, InteractionId(UUID(interaction)))
        sent.append(Sent(message.kind, at, UUID(answer["deliveryId"]), known_as))

    try:
        await run_at_once([one] * CONCURRENCY, batch)
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
        if isinstance(first, HubError):
            raise Trouble(f"a message was not accepted: {first}", do=OUT_OF_BREATH) from failed
        raise
    return sent


def _signed(secret: str, message: Message) -> dict[str, str]:
    identifier, now = f"msg_{uuid4().hex}", int(time.time())
    signature = sign(secret, f"{identifier}.{now}.".encode() + message.body).decode()
    return {
        "content-type": CONTENT_TYPES[message.kind],
        "webhook-id": identifier,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }


async def _wait(hub: Services, project: ProjectId, sent: Sequence[Sent]) -> dict[MessageId, datetime]:
    """Return when each was analysed. Raises Trouble when some are not within the patience."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        async with hub.postgres.tenant(project) as transaction:
            found = await transaction.all("SELECT message_id, created_at FROM ai_analysis")
            rows = await transaction.all("SELECT id, concat_ws(': ', state, reason) AS state FROM deliveries")
        analysed = {MessageId(row["message_id"]): row["created_at"] for row in found}
        trouble = unfinished(sent, analysed, {row["id"]: row["state"] for row in rows})
        if trouble is None:
            return analysed
        if time.monotonic() > until:
            raise trouble
        say(f"  {sum(each.message_id in analysed for each in sent)} of {len(sent)} analysed")
        await asyncio.sleep(LOOK_SECONDS)
