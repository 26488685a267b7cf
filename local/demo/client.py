"""What a webhook provider and a reader of the hub do over HTTP."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from local.demo.reading import Accepted, Contact, Context, Delivery, Interaction, Page
from local.demo.samples import Sample
from local.trouble import Trouble

Model = TypeVar("Model", bound=BaseModel)
SEE_THE_LOG = "read the logs in .local/demo/logs, host.log first, then run ./dev demo again"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one source takes webhooks (`path` starts with a slash) and its secret, `whsec_<base64>`."""

    path: str
    secret: str


def signed_headers(
    secret: str, message_id: str, body: bytes, *, at: int, content_type: str = "application/json"
) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a body sent at a Unix time in seconds."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": content_type,
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode('ascii')}",
    }


class Hub:
    """A running hub, seen by one project; raises Trouble for every answer that is not a success."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, *, key: str, project_id: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._headers = {"x-functions-key": key, "x-project-id": project_id}

    async def post(self, endpoint: Endpoint, sample: Sample) -> Accepted:
        """Deliver one sample as its provider would."""
        headers = signed_headers(
            endpoint.secret, f"msg_{sample.name}", sample.body, at=int(time.time()), content_type=sample.content_type
        )
        url = f"{self._base_url}{endpoint.path}"
        async with self._session.post(url, data=sample.body, headers=headers) as answer:
            return await _read(answer, Accepted)

    async def delivery(self, delivery_id: str) -> Delivery | None:
        """Return how far a delivery has come, None while only its raw body is kept."""
        return await self._get(f"ingest/deliveries/{delivery_id}", Delivery)

    async def interaction(self, interaction_id: str) -> Interaction | None:
        """Return one interaction with its analysis."""
        return await self._get(f"interactions/{interaction_id}", Interaction)

    async def contact(self, email: str) -> Contact | None:
        """Return the contact with this address."""
        found = await self._get("contacts", Page[Contact], email=email)
        return found.items[0] if found and found.items else None

    async def context(self, contact_id: str) -> Context:
        """Return a contact's unified history."""
        found = await self._get(f"contacts/{contact_id}/context", Context)
        if found is None:
            raise Trouble(f"contact {contact_id} was found by address but has no context", do=SEE_THE_LOG)
        return found

    async def _get(self, path: str, model: type[Model], **query: str) -> Model | None:
        url = f"{self._base_url}/api/v1/{path}"
        async with self._session.get(url, headers=self._headers, params=query) as answer:
            return None if answer.status == 404 else await _read(answer, model)


async def _read(answer: aiohttp.ClientResponse, model: type[Model]) -> Model:
    body = await answer.text()
    if not answer.ok:
        raise Trouble(f"{answer.method} {answer.url.path} answered {answer.status}: {body[:300]}", do=SEE_THE_LOG)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Trouble(
            f"{answer.method} {answer.url.path} answered in another shape: {error}", do=SEE_THE_LOG
        ) from error
