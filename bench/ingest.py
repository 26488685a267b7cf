"""Ingest against its floor: signed webhooks a second through the host, against the storage SDK without our code."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from bench.clients import Run
from bench.figures import Figure, Result, paired_ratio, percentile
from bench.progress import say
from bench.storage_floor import FloorOrder
from bench.webhook_load import LoadOrder
from local.checkout import CHECKOUT, STATE
from local.stack.host import HostProcess
from local.stack.ports import LOOPBACK
from local.stack.stack import Stack
from local.trouble import Trouble
from schema.demo_project import SeededSource, seed
from shared.identifiers import ProjectId, SourceId, delivery_id
from shared.ingestion.raw import RawName, hour_of, to_metadata
from shared.models.work import BlobContainer, DeliveryWork, QueueName
from shared.stores.blobs import TRANSPORT

GOAL = 0.8
ROUNDS = 7
REQUESTS = 500
WARM_UP = 100
CONCURRENCY = 16
BODY_BYTES = 3000
MILLISECONDS = 1000
# Accepted work stays in its queue: what is measured is ingest, not the host storing what it took a moment ago.
HOST_SETTINGS = {"LOCAL_HOST_ONLY_HTTP": "1", "LOCAL_HOST_LOG_LEVEL": "WARNING"}


@dataclass(frozen=True, slots=True)
class Place:
    """A running stack and host to measure on."""

    stack: Stack
    host: HostProcess
    source: SeededSource
    project: ProjectId


def measure() -> Result:
    """Run floor and app in turns on a stack made for it, and compare them."""
    with _place(STATE / "bench") as place:
        floor_order, load_order = _floor_order(place), _load_order(place)
        tuned_order = replace(floor_order, options=TRANSPORT)
        floors, tuned, ours = list[Run](), list[Run](), list[Run]()
        for number in range(1, ROUNDS + 1):
            floors.append(_ordered("bench.storage_floor", floor_order, place))
            ours.append(_ordered("bench.webhook_load", load_order, place))
            tuned.append(_ordered("bench.storage_floor", tuned_order, place))
            say(f"  round {number} of {ROUNDS}: floor {floors[-1].rate:.0f}/s, ours {ours[-1].rate:.0f}/s")
    return compare(floors, tuned, ours)


def compare(floors: list[Run], tuned: list[Run], ours: list[Run]) -> Result:
    """Return the result of interleaved runs: the SDK as it comes, the SDK with the app's own options, the app."""
    rates = [run.rate for run in ours]
    ratio = paired_ratio(rates, [run.rate for run in floors])
    rows = (
        _row("storage SDK alone (floor)", floors),
        _row("the same with the app's SDK options", tuned),
        _row("webhook through the app", ours),
    )
    latencies = _latencies(ours)
    return Result(
        figure=Figure("ingest_vs_storage_floor", ratio, GOAL, "at least"),
        columns=("", "requests/s", "p50 ms", "p95 ms"),
        rows=rows,
        notes=(
            f"{ROUNDS} rounds in turns of {REQUESTS} signed {BODY_BYTES}-byte JSON emails, {CONCURRENCY} at once, each",
            "after a warm-up; medians; the ratio is the median of the rounds' ratios.",
            "Floor: the same blob put and queue put by the aio SDK, one shared client, same Azurite (on disk).",
            "Sender and floor are processes of their own. The host runs with LOCAL_HOST_ONLY_HTTP=1: queues, feed and",
            "timers rest, so that it stores nothing meanwhile. The app tells the SDK to read no environment: a thread",
            "hop less a request, which is how it can pass its floor; the second row has that option too.",
        ),
        measured={
            "ingest_vs_tuned_storage": paired_ratio(rates, [run.rate for run in tuned]),
            "ingest_requests_per_second": median(run.rate for run in ours),
            "ingest_floor_requests_per_second": median(run.rate for run in floors),
            "ingest_p50_ms": percentile(latencies, 0.5),
            "ingest_p95_ms": percentile(latencies, 0.95),
        },
    )


def _row(name: str, runs: list[Run]) -> tuple[str, ...]:
    latencies = _latencies(runs)
    rate = median(run.rate for run in runs)
    return name, f"{rate:.0f}", f"{percentile(latencies, 0.5):.1f}", f"{percentile(latencies, 0.95):.1f}"


def _latencies(runs: list[Run]) -> list[float]:
    return [latency * MILLISECONDS for run in runs for latency in run.latencies]


@contextmanager
def _place(state: Path) -> Iterator[Place]:
    """Start everything in an empty state directory, and leave nothing of it."""
    # In memory Azurite keeps a file a message, and stands still for minutes when it collects those that were cleared.
    stack = Stack(state)
    with ExitStack() as undo:
        shutil.rmtree(state, ignore_errors=True)
        undo.callback(shutil.rmtree, state, ignore_errors=True)
        undo.callback(stack.stop)
        say("  starting a stack of its own")
        stack.start()
        project = seed(stack.owner_dsn(), stack.settings)
        host = HostProcess(stack, settings=HOST_SETTINGS)
        undo.callback(host.stop)
        host.start()
        yield Place(stack, host, project.sources["email"], project.id)


def _floor_order(place: Place) -> FloorOrder:
    now, key = datetime.now(UTC), f"msg_{uuid4().hex}:{'0' * 64}"
    delivery = delivery_id(place.project, SourceId(place.source.id), key)
    name = RawName(hour_of(now), place.project, place.source.id, delivery)
    work = DeliveryWork(project_id=place.project, source_id=place.source.id, delivery_id=delivery, blob=str(name))
    return FloorOrder(
        connection_string=place.stack.azurite.connection_string,
        container=BlobContainer.INBOUND,
        queue=QueueName.INBOUND,
        message=work.model_dump_json(),
        metadata=to_metadata(now, key),
        body_bytes=BODY_BYTES,
        requests=REQUESTS,
        warm_up=WARM_UP,
        concurrency=CONCURRENCY,
    )


def _load_order(place: Place) -> LoadOrder:
    return LoadOrder(
        host=LOOPBACK,
        port=place.host.port,
        path=place.source.path,
        secret=place.source.secret,
        body_bytes=BODY_BYTES,
        requests=REQUESTS,
        warm_up=WARM_UP,
        concurrency=CONCURRENCY,
    )


def _ordered(module: str, order: FloorOrder | LoadOrder, place: Place) -> Run:
    """Run one process with its order, on empty storage."""
    _empty(place.stack.azurite.connection_string)
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=CHECKOUT,
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Trouble(f"{module} failed", do="The lines above say why; a machine out of breath is one reason.")
    return Run(**json.loads(done.stdout))


def _empty(connection_string: str) -> None:
    # Azurite looks through every blob of the account at each request: full storage would be what is measured.
    with QueueClient.from_connection_string(connection_string, QueueName.INBOUND) as queue:
        queue.clear_messages()
    with ContainerClient.from_connection_string(connection_string, BlobContainer.INBOUND) as container:
        container.delete_container()
        container.create_container()
