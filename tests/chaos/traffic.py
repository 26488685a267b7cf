"""Senders of two projects: webhooks and external messages, some with files, some twice, and what became of each.

An operator of theirs replays what the platform gave up.
"""

import asyncio
import base64
import io
import json
import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient
from PIL import Image

from local.sources import Site, add
from local.stack.stack import Stack
from schema.demo_project import SeededProject, seed
from tests.chaos.checker import Sent
from tests.chaos.operator import Operator
from tests.e2e.hub import sign

TEXT = "Hello, I would like to have my grandfather's clock appraised. Thank you, Ada {token}"
SOMETIMES = 0.3
FILE = {"filename": "note.txt", "contentType": "text/plain", "contentBase64": "aGVsbG8="}


@dataclass
class _Call:
    project: str
    token: str
    path: str
    raw: bytes
    headers: dict[str, str]
    acked: bool = False
    files: int = 0


@dataclass
class Traffic:
    """Sends bursts at a hub that may die at any moment. A call without answer is sent again, or given up for good."""

    stack: Stack
    base_url: str
    randomly: random.Random
    projects: list[SeededProject] = field(default_factory=list)
    queue_sources: list[str] = field(default_factory=list)
    images: int = 0  # that each mail brings: they take more time than all else
    giving_up: float = SOMETIMES  # how likely a sender never sends again
    given_up: list[_Call] = field(default_factory=list)  # sent once, whatever comes of it
    _calls: list[_Call] = field(default_factory=list)
    _operator: Operator = field(init=False)

    def __post_init__(self) -> None:
        self._operator = Operator(self.stack, self.base_url)

    def prepare(self) -> None:
        """Make two projects with their sources."""
        for _ in range(2):
            project = seed(self.stack.owner_dsn(), self.stack.settings, secrets.token_hex(4))
            site = Site(self.stack.settings, self.stack.owner_dsn())
            source = add(site, project.id, channel="queue", name="crm", provider="chat-json")
            self.projects.append(project)
            self.queue_sources.append(str(source.id))

    @property
    def sent(self) -> list[Sent]:
        """Every message so far, and whether it was accepted."""
        return [Sent(call.project, call.token, call.acked, call.files) for call in self._calls]

    async def burst(self) -> None:
        """Send a mail, a chat and two external messages, the mail twice at once; then what had no answer before.

        One of the external messages comes as a dead letter, which the operator replays.
        """
        at = self.randomly.randrange(2)
        mail, chat = self._mail(at), self._chat(1 - at)
        again = self._open()
        for call in (mail, chat):
            if self.randomly.random() < self.giving_up:
                self.given_up.append(call)
        self._calls += [mail, chat]
        async with aiohttp.ClientSession() as session:
            calls = [self._call(session, call) for call in (mail, mail, chat, *again)]
            await asyncio.gather(*calls, self._put(at), self._give_up(1 - at), self._press(session))

    async def settle(self) -> None:
        """Send again what had no answer, but for what was given up; replay what waits for it."""
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._call(session, call) for call in self._open()), self._press(session))

    def _open(self) -> list[_Call]:
        return [call for call in self._calls if call.path and not call.acked and call not in self.given_up]

    async def _call(self, session: aiohttp.ClientSession, call: _Call) -> None:
        wait = aiohttp.ClientTimeout(total=10)
        try:
            url = self.base_url + call.path
            async with session.post(url, data=call.raw, headers=call.headers, timeout=wait) as answer:
                assert answer.status in {202, 500, 503}, answer.status
                call.acked = call.acked or answer.status == 202
        except (aiohttp.ClientError, TimeoutError):
            return

    async def _press(self, session: aiohttp.ClientSession) -> None:
        await asyncio.gather(*(self._operator.press(session, project.id) for project in self.projects))

    async def _give_up(self, at: int) -> None:
        call, body = self._external(at)
        await self._operator.give_up(body)
        call.acked = True

    async def _put(self, at: int) -> None:
        call, body = self._external(at)
        options: dict[str, Any] = {"message_encode_policy": TextBase64EncodePolicy()}
        settings = self.stack.settings["HubStorage"]
        async with QueueClient.from_connection_string(settings, "external-messages", **options) as queue:
            await queue.send_message(json.dumps(body), time_to_live=-1)
        call.acked = True

    def _external(self, at: int) -> tuple[_Call, dict[str, Any]]:
        token = new_token()
        call = _Call(str(self.projects[at].id), token, "", b"", {})
        self._calls.append(call)  # before it is sent: what is broken off may have arrived
        return call, {"version": 1, "source": self.queue_sources[at], "id": token, "message": _chat(token)}

    def _mail(self, at: int) -> _Call:
        token = new_token()
        files = [FILE, *(_image(token, number) for number in range(self.images))]
        mail = {
            "from": f"Ada <{token}@example.com>",
            "to": ["shop@example.org"],
            "subject": "My clock",
            "text": TEXT.format(token=token),
            "messageId": f"<{token}@example.com>",
            "sentAt": datetime.now(UTC).isoformat(),
            "attachments": files,
        }
        call = self._signed(at, "email", token, mail)
        call.files = len(files)
        return call

    def _chat(self, at: int) -> _Call:
        token = new_token()
        return self._signed(at, "chat", token, _chat(token))

    def _signed(self, at: int, channel: str, token: str, body: dict[str, Any]) -> _Call:
        source, raw = self.projects[at].sources[channel], json.dumps(body).encode()  # type: ignore[index] # a channel
        return _Call(str(self.projects[at].id), token, source.path, raw, sign(source.secret, raw))


def new_token() -> str:
    """Return what marks one message."""
    return f"token-{secrets.token_hex(8)}"


def _image(token: str, number: int) -> dict[str, str]:
    """Return an image that was never seen: what was seen before is not looked at again."""
    written = io.BytesIO()
    Image.frombytes("RGB", (4, 2), f"{token}{number}".encode().ljust(24)).save(written, "PNG")
    encoded = base64.b64encode(written.getvalue()).decode()
    return {"filename": "image.png", "contentType": "image/png", "contentBase64": encoded}


def _chat(token: str) -> dict[str, Any]:
    return {
        "clientId": token,
        "conversationId": token,
        "content": TEXT.format(token=token),
        "sentAt": datetime.now(UTC).isoformat(),
    }
