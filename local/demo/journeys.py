"""Every sample's way from the webhook or the queue to the contact's context."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from rich.console import Console

from local.demo.client import SEE_THE_LOG, Hub
from local.demo.progress import counting
from local.demo.samples import Sample
from local.trouble import Trouble
from shared.clock import SystemClock

Answer = TypeVar("Answer")
Deliver = Callable[[Sample], Awaitable[str]]
PATIENCE = timedelta(seconds=120)
_LOOK_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Journey:
    """One sample under way: what it waits for now, and how long its analysis took once it waits for nothing.

    `seconds` ends at the time of the analysis row, not when it was seen: looking more often would slow down the host.
    """

    sample: Sample
    waits_for: str = "being sent"
    seconds: float | None = None


async def send_all(
    hub: Hub,
    samples: Sequence[Sample],
    deliver: Deliver,
    *,
    console: Console,
    patience: timedelta = PATIENCE,
) -> list[Journey]:
    """Send every sample in turn and return when each can be read with its analysis; Trouble when patience ends.

    `deliver` sends one and returns the id of its delivery.
    """
    journeys = [Journey(sample) for sample in samples]
    followers: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(patience.total_seconds()):
            with counting(console, "Sending messages", len(journeys)) as advance:
                for journey in journeys:
                    followers.append(await _send(hub, journey, deliver))
                    advance()
            with counting(console, "Waiting for analysis", len(journeys)) as advance:
                for follower in asyncio.as_completed(followers):
                    await follower
                    advance()
    except TimeoutError:
        raise Trouble(_missing(journeys, patience), do=SEE_THE_LOG) from None
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
    return journeys


async def _send(hub: Hub, journey: Journey, deliver: Deliver) -> asyncio.Task[None]:
    sent_at = SystemClock().now()
    delivery_id = await deliver(journey.sample)
    return asyncio.create_task(_follow(hub, journey, delivery_id, sent_at))


async def _follow(hub: Hub, journey: Journey, delivery_id: str, sent_at: datetime) -> None:
    journey.waits_for = f"delivery {delivery_id} to be stored"
    delivery = await _poll(lambda: hub.delivery(delivery_id), lambda found: found.is_final)
    ids = [message.interaction_id for message in delivery.messages if message.interaction_id]
    if delivery.state != "done" or not ids:
        raise Trouble(f"delivery {delivery_id} of {journey.sample.name} ended as {delivery.state}", do=SEE_THE_LOG)
    analysed_at: list[datetime] = []
    for interaction_id in ids:
        journey.waits_for = f"the analysis of interaction {interaction_id}"
        found = await _poll(partial(hub.interaction, interaction_id), lambda found: found.is_understood)
        if found.analysis:
            analysed_at.append(found.analysis.created_at)
    journey.seconds = (max(analysed_at) - sent_at).total_seconds()


async def _poll(look: Callable[[], Awaitable[Answer | None]], is_ready: Callable[[Answer], bool]) -> Answer:
    while True:
        found = await look()
        if found is not None and is_ready(found):
            return found
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _missing(journeys: Sequence[Journey], patience: timedelta) -> str:
    late = [journey for journey in journeys if journey.seconds is None]
    lines = [f"  {journey.sample.name} waits for {journey.waits_for}" for journey in late]
    return "\n".join(
        [f"{len(late)} of {len(journeys)} samples were not done after {patience.total_seconds():.0f} s:", *lines]
    )
