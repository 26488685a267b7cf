"""Queue steps: decode, one call, and the fate of what fails by its error's type."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import azure.functions as func

from shared import services
from shared.errors import CONTENDED_TRIES, Contended, Misconfigured, Permanent, Rejected, Transient
from shared.telemetry import event, warning

if TYPE_CHECKING:
    from pydantic import ValidationError

    from shared.models.work import QueueName, Task
    from shared.services import Services

UNREADABLE_WAIT_SECONDS = 60.0
Step = TypeVar("Step", bound="Task")


async def run_step(
    queue: "QueueName",
    model: type[Step],
    message: func.QueueMessage,
    step: Callable[["Services", Step], Awaitable[None]],
) -> None:
    """Do one message's work.

    Transient: the same work is sent again with a growing delay and this message completes, so no dequeue is burnt.
    So for a setting that is wrong: the operator cures it. Permanent, Rejected, what was Contended too often and what
    can't be read: a dead letter at once. Anything else is the platform's: five tries, then poison.
    A step that left too many dead letters lately does nothing: all its messages wait.
    """
    from pydantic import ValidationError

    hub, body = services.current(), message.get_body()
    try:
        work = model.model_validate_json(body)
    except ValidationError as error:
        await _bury_unreadable(hub, queue, body, _unreadable(model, error))
        return
    try:
        try:
            await hub.brake.check(queue)
            await step(hub, work)
        except (Permanent, Rejected) as error:
            await hub.drain.bury(queue, body, str(error))
        except Contended as error:
            if work.attempt < CONTENDED_TRIES:
                raise
            await hub.drain.bury(queue, body, f"tried {work.attempt} times: {error}")
    except (Transient, Misconfigured) as error:
        delay = _delay(hub, work.attempt, error)
        event(
            "work.deferred",
            logging.WARNING,
            queue=queue,
            attempt=work.attempt,
            seconds=delay.total_seconds(),
            why=error,
        )
        await hub.queues.send(queue, work.model_copy(update={"attempt": work.attempt + 1}), delay=delay)


async def run_poison(queue: "QueueName", message: func.QueueMessage) -> None:
    """Keep a message that failed five times. While the database is away it waits in its queue: nothing is lost."""
    hub = services.current()
    try:
        await hub.drain.drain(queue, message.get_body())
    except Transient as error:
        # A poison queue has no poison queue of its own: raising leaves the message where it is, to be seen again.
        warning("drain_poison.later", queue=queue, why=error)
        raise


async def _bury_unreadable(hub: "Services", queue: "QueueName", body: bytes, reason: str) -> None:
    try:
        await hub.drain.bury(queue, body, reason)
    except Transient as error:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise error from None  # no queue message of ours: the platform tries five times, then it is poison
        delay = timedelta(seconds=min(UNREADABLE_WAIT_SECONDS, hub.settings.retry_max_seconds))
        event("work.deferred", logging.WARNING, queue=queue, seconds=delay.total_seconds(), why=error)
        await hub.queues.send_text(queue, text, delay=delay)


def _unreadable(model: type["Task"], error: "ValidationError") -> str:
    # Where and what, never the value: it may be content.
    wrong = [f"{'.'.join(map(str, item['loc']))[:100]}: {item['msg']}" for item in error.errors(include_input=False)]
    return f"not a {model.__name__}: {'; '.join(wrong[:5])}"


def _delay(hub: "Services", attempt: int, error: Transient | Misconfigured) -> timedelta:
    longest = hub.settings.retry_max_seconds
    grown = min(hub.settings.retry_base_seconds * 2 ** min(attempt, 20), longest)
    wait = error.retry_after if isinstance(error, Transient) else None
    asked = wait.total_seconds() if wait else 0.0
    return timedelta(seconds=max(grown, min(asked, longest)))
