"""The demo from an empty stack to one contact's history."""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import aiohttp
from rich.console import Console

from local.demo import external, report, samples
from local.demo.client import SEE_THE_LOG, Hub
from local.demo.journeys import PATIENCE, send_all
from local.demo.place import Place, running
from local.demo.progress import step
from local.demo.reading import Context
from local.demo.samples import Sample
from local.demo.stores import Tally, tally
from local.model.choice import add_model_option
from local.terminal import explain
from local.trouble import Trouble
from shared.clock import SystemClock

STATE = Path(__file__).resolve().parents[2] / ".local" / "demo"
SHOWN = "ada.whitcombe@example.com"
_SYNC_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `seconds` is the way from webhook to context of each sample that was posted."""

    context: Context
    tallies: Sequence[Tally]
    seconds: Sequence[float]


def run(argv: Sequence[str]) -> int:
    """Start a stack, send the samples, print what became of them, stop the stack; the exit code."""
    options = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        with running(STATE, console, options.model) as place:
            outcome = _send_and_look(place, console)
    except Trouble as trouble:
        explain(trouble)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    print(_told(outcome, as_json=options.json))
    if not all(one.agrees for one in outcome.tallies):
        explain(Trouble("the stores do not agree about what was sent", do=SEE_THE_LOG))
        return 1
    console.print("\nAll of it is stopped; ./dev up starts a stack that stays.", highlight=False)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev demo", description=run.__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object instead")
    add_model_option(parser)
    return parser


def _send_and_look(place: Place, console: Console) -> Outcome:
    bodies = samples.load(SystemClock().now())
    context, seconds = asyncio.run(_send(place, bodies, console))
    with step(console, "Comparing the stores"):
        tallies = _settled(place, bodies)
    return Outcome(context, tallies, seconds)


async def _send(place: Place, bodies: Sequence[Sample], console: Console) -> tuple[Context, list[float]]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE.total_seconds())) as session:
        hub = Hub(session, place.base_url, key=place.key, project_id=place.stores.project_id)
        try:
            journeys = await send_all(hub, bodies, partial(_deliver, hub, place), console=console)
            contact = await hub.contact(SHOWN)
            if contact is None:
                raise Trouble(f"no contact has the address {SHOWN}", do=SEE_THE_LOG)
            context = await hub.context(contact.id)
        except aiohttp.ClientError as lost:
            raise Trouble(f"the local host no longer answers: {lost!r}", do=SEE_THE_LOG) from lost
    # A queue is looked into now and then, which says nothing about webhooks.
    posted = (journey for journey in journeys if journey.sample.way != "queue")
    return context, [journey.seconds for journey in posted if journey.seconds is not None]


async def _deliver(hub: Hub, place: Place, sample: Sample) -> str:
    if sample.way == "queue":
        return await asyncio.to_thread(external.put, place.stores.storage, place.stores.project_id, sample)
    return (await hub.post(place.endpoints[sample.way], sample)).delivery_id


def _settled(place: Place, bodies: Sequence[Sample]) -> list[Tally]:
    """Count until the stores agree: the change feed reaches Postgres a moment after the analysis."""
    deadline = time.monotonic() + _SYNC_PATIENCE.total_seconds()
    while True:
        tallies = tally(place.stores, bodies)
        if all(one.agrees for one in tallies) or time.monotonic() > deadline:
            return tallies
        time.sleep(0.5)


def _told(outcome: Outcome, *, as_json: bool) -> str:
    if as_json:
        return report.figures(outcome.context, outcome.tallies, outcome.seconds)
    parts = (
        report.history(outcome.context),
        report.engines(outcome.context),
        report.counts(outcome.tallies),
        report.latency(outcome.seconds),
    )
    return "\n\n".join(["", *parts])
