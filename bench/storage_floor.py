"""The floor of ingest, as a process: one blob put and one queue put a piece by the aio SDK, with nothing of ours.

Reads a `FloorOrder` as JSON on standard input, prints a `Run` as JSON.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from bench.clients import Run, run_at_once


@dataclass(frozen=True, slots=True)
class FloorOrder:
    """How much of what to put where; bodies go to blobs as they are. `options` are the SDK clients' own."""

    connection_string: str
    container: str
    queue: str
    message: str
    metadata: dict[str, str]
    body_bytes: int
    requests: int
    warm_up: int
    concurrency: int
    options: dict[str, Any] = field(default_factory=dict)


async def measure(order: FloorOrder) -> Run:
    """Put what is ordered, one client for all."""
    blobs = BlobServiceClient.from_connection_string(order.connection_string, **order.options)
    queue = QueueClient.from_connection_string(
        order.connection_string, order.queue, message_encode_policy=TextBase64EncodePolicy(), **order.options
    )

    async def put(body: bytes) -> None:
        blob = blobs.get_blob_client(order.container, f"floor/{uuid4()}/{uuid4()}/{uuid4()}")
        settings = ContentSettings(content_type="application/json")
        await blob.upload_blob(body, length=len(body), metadata=order.metadata, content_settings=settings)
        await queue.send_message(order.message, visibility_timeout=0, time_to_live=-1)

    async with blobs, queue:
        workers = [put] * order.concurrency
        bodies = [str(uuid4()).encode().ljust(order.body_bytes, b".") for _ in range(order.requests)]
        await run_at_once(workers, bodies[: order.warm_up])
        return await run_at_once(workers, bodies)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(measure(FloorOrder(**json.load(sys.stdin)))))))
