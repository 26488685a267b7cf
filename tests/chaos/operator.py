"""An operator who replays what failed, pressing twice at once, and again when there was no answer."""

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from local.stack.stack import Stack
from shared.identifiers import sha256_hex
from shared.ingestion.external_bodies import FOLDER, _first_sent
from shared.models.work import QueueName, poison

LETTERS = "/api/v1/dead-letters"


@dataclass
class Operator:
    """Knows which messages the platform gave up; replays their letters, and no others: those are for the checker."""

    stack: Stack
    base_url: str
    _known: set[str] = field(default_factory=set)

    async def give_up(self, message: dict[str, Any]) -> None:
        """Put an external message where the platform puts what failed five times."""
        text = json.dumps(message)
        self._known.add(f"{FOLDER}/{sha256_hex(_first_sent(text.encode()))}")
        options: dict[str, Any] = {"message_encode_policy": TextBase64EncodePolicy()}
        settings, name = self.stack.settings["HubStorage"], poison(QueueName.EXTERNAL)
        async with QueueClient.from_connection_string(settings, name, **options) as queue:
            await queue.send_message(text, time_to_live=-1)

    async def press(self, session: aiohttp.ClientSession, project: uuid.UUID) -> None:
        """Replay the open letters of a project."""
        headers = {"x-functions-key": self.stack.secrets.function_key, "x-project-id": str(project)}
        page = await self._ask(session, "GET", "?state=open&limit=100", headers=headers)
        letters = [letter["id"] for letter in page.get("items", ()) if letter["payload"].get("body") in self._known]
        if letters:
            again = (self._ask(session, "POST", "/replay", headers=headers, json={"ids": letters}) for _ in range(2))
            await asyncio.gather(*again)

    async def _ask(self, session: aiohttp.ClientSession, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Return the answer, or nothing when there is none: the hub may die at any moment."""
        wait = aiohttp.ClientTimeout(total=10)
        try:
            async with session.request(method, self.base_url + LETTERS + path, timeout=wait, **options) as answer:
                assert answer.status in {200, 500, 503}, answer.status
                return dict(await answer.json()) if answer.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError):
            return {}
