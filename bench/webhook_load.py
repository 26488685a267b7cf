"""A sender of webhooks, as a process: signs everything first, then posts over bare sockets, so that it costs little.

Reads a `LoadOrder` as JSON on standard input, prints a `Run` as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from uuid import uuid4

from bench.clients import Run, Work, run_at_once
from shared.ingestion.standard_webhooks import sign

PROSE = "The clock stopped on the stairs at ten past four, and nobody in the house can say why. "


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """What to post where; `path` and `secret` are a source's."""

    host: str
    port: int
    path: str
    secret: str
    body_bytes: int
    requests: int
    warm_up: int
    concurrency: int


def mail(body_bytes: int) -> bytes:
    """Return one JSON email that no other is equal to, `body_bytes` long."""
    fields = {
        "from": "Ada Quill <ada.quill@example.com>",
        "to": ["shop@example.com"],
        "subject": "The clock on the stairs",
        "messageId": f"<{uuid4()}@example.com>",
        "sentAt": "2026-09-01T10:00:00+02:00",
        "text": "",
    }
    room = body_bytes - len(json.dumps(fields))
    fields["text"] = (PROSE * (room // len(PROSE) + 1))[:room]
    return json.dumps(fields).encode()


async def measure(order: LoadOrder) -> Run:
    """Post what is ordered, each caller over a connection of its own. Raises RuntimeError for an answer but 202."""
    callers = [await _caller(order) for _ in range(order.concurrency)]
    await run_at_once(callers, [_request(order) for _ in range(order.warm_up)])
    return await run_at_once(callers, [_request(order) for _ in range(order.requests)])


def _request(order: LoadOrder) -> bytes:
    body, identifier, now = mail(order.body_bytes), f"msg_{uuid4().hex}", int(time.time())
    signature = sign(order.secret, f"{identifier}.{now}.".encode() + body).decode()
    head = (
        f"POST {order.path} HTTP/1.1\r\nhost: {order.host}:{order.port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nwebhook-id: {identifier}\r\nwebhook-timestamp: {now}\r\n"
        f"webhook-signature: v1,{signature}\r\n\r\n"
    )
    return head.encode() + body


async def _caller(order: LoadOrder) -> Work[bytes]:
    reader, writer = await asyncio.open_connection(order.host, order.port)

    async def post(request: bytes) -> None:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"http/1.1 202 "):
            raise RuntimeError(f"the host did not accept: {head.splitlines()[0]!r} {body[:300]!r}")

    return post


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(measure(LoadOrder(**json.load(sys.stdin)))))))
