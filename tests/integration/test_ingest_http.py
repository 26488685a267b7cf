"""Ingest over HTTP: what is accepted is durable, what is refused says why and leaves no trace."""

import asyncio
import base64
import io
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import azure.functions as func
import pytest

from functions import ingest_chat, ingest_email
from local.stack.host import HostProcess
from local.stack.ports import free_port
from local.stack.stack import Stack
from shared import services
from shared.models.messages import Channel
from shared.models.work import BlobContainer, QueueName
from shared.services import Services
from tests.integration.tenant import Tenant, chat, file, mail, signed

pytest_plugins = ["tests.integration.tenant_fixtures"]

# No worker takes what ingest leaves, so that what it leaves can be seen.
IDLE = {"LOCAL_HOST_ONLY_HTTP": "true", "SOURCE_CACHE_SECONDS": "0"}


@dataclass
class Said:
    """What an HTTP call got."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Sender:
    """A sender of webhooks to one project on the running host."""

    tenant: Tenant
    host: HostProcess
    session: aiohttp.ClientSession = field(repr=False)

    async def send(self, channel: Channel, raw: bytes, headers: dict[str, str], *, path: str | None = None) -> Said:
        path = path or self.tenant.project.sources[channel].path
        return await self.call("POST", path, data=io.BytesIO(raw), headers=headers)

    async def call(self, method: str, path: str, **options: Any) -> Said:
        async with self.session.request(method, self.host.base_url + path, **options) as response:
            raw = await response.read()
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Said(response.status, json.loads(raw) if raw else {}, headers)

    def sign(self, channel: Channel, raw: bytes, **options: Any) -> dict[str, str]:
        return signed(self.tenant.project.sources[channel].secret, raw, **options)

    def traces(self) -> tuple[list[str], list[str]]:
        """What a call may have left: raw bodies and queue messages."""
        with self.tenant.queue(QueueName.INBOUND.value) as queue:
            queued = [message.content for message in queue.peek_messages(max_messages=32)]
        return self.tenant.blobs(BlobContainer.INBOUND), [each for each in queued if str(self.tenant.id) in each]


@pytest.fixture(scope="module")
def host(stack: Stack) -> Iterator[HostProcess]:
    process = HostProcess(stack, settings=IDLE)
    process.start()
    yield process
    process.stop()


@pytest.fixture
async def sender(tenant: Tenant, host: HostProcess) -> AsyncIterator[Sender]:
    async with aiohttp.ClientSession() as session:
        yield Sender(tenant, host, session)


def body(message: dict[str, Any], **changed: Any) -> bytes:
    return json.dumps(message | changed).encode()


async def refused(sender: Sender, answer: Said, status: int, named: str) -> None:
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (status, "application/problem+json")
    assert (answer.body["status"], answer.body.get("field")) == (status, named)
    assert answer.body["title"]
    assert answer.body["detail"]
    assert sender.traces() == ([], [])


@pytest.mark.parametrize("channel", ["email", "chat"])
async def test_an_accepted_delivery_is_durable_and_enqueued(sender: Sender, channel: Channel) -> None:
    raw = body(mail() if channel == "email" else chat())
    answer = await sender.send(channel, raw, sender.sign(channel, raw))
    assert answer.status == 202
    blobs, queued = sender.traces()
    (blob,) = blobs
    (work,) = map(json.loads, queued)
    assert (work["blob"], work["delivery_id"]) == (blob, answer.body["deliveryId"])
    kept = await sender.tenant.hub.blobs.get(BlobContainer.INBOUND, blob)
    assert kept
    assert kept.raw == raw
    assert len(answer.body["interactionIds"]) == 1


async def test_the_state_of_a_delivery_can_be_asked_for_before_any_worker_ran(sender: Sender) -> None:
    raw = body(mail())
    accepted = await sender.send("email", raw, sender.sign("email", raw))
    keys = {"x-functions-key": sender.host.key, "x-project-id": str(sender.tenant.id)}
    state = await sender.call("GET", accepted.headers["location"], headers=keys)
    assert (state.status, state.body["state"], state.body["messages"]) == (200, "received", [])


async def test_the_same_delivery_again_gets_the_same_answer_and_leaves_one_body(sender: Sender) -> None:
    raw = body(mail())
    headers = sender.sign("email", raw, identifier="msg_1")
    answers = [await sender.send("email", raw, headers)]
    kept = await sender.tenant.hub.blobs.get(BlobContainer.INBOUND, sender.traces()[0][0])
    answers += [await sender.send("email", raw, headers) for _ in range(2)]
    again = await sender.send("email", raw, sender.sign("email", raw, identifier="msg_1", at=time.time() + 60))
    assert {json.dumps(each.body) for each in (*answers, again)} == {json.dumps(answers[0].body)}
    (blob,) = sender.traces()[0]
    assert await sender.tenant.hub.blobs.get(BlobContainer.INBOUND, blob) == kept


FILE = file(b"x")
NUL = {"text": "a\0b", "subject": "\0", "messageId": "\0<1@x>"}
BAD_BODIES = {
    "malformed JSON": (b'{"from":', 400, "body"),
    "array": (b"[]", 400, "body"),
    "text": (b'"mail"', 400, "body"),
    "nothing": (b"", 400, "body"),
    "NaN": (b'{"a": NaN}', 400, "body"),
    "too large a float": (b'{"a": 1e999}', 400, "body"),
    "5000 digits": (b'{"a": ' + b"9" * 5000 + b"}", 400, "body"),
    "100,000 levels": (b"[" * 100_000, 400, "body"),
    "not UTF-8": (b'{"a": "\xff"}', 400, "body"),
    "half a surrogate pair": (body(mail(), text="\ud800"), 422, "body"),
    "missing fields": (b"{}", 422, "from"),
    "wrong type": (body(mail(), to="ada@example.com"), 422, "to"),
    "no recipients": (body(mail(), to=[]), 422, "to"),
    "bad sender": (body(mail(), **{"from": "nobody"}), 422, "from"),
    "bad recipient": (body(mail(), to=["a@b.c", "nobody"]), 422, "to[1]"),
    "nested comments": (body(mail(), cc=["(" * 999]), 422, "cc[0]"),
    "NUL in an address": (body(mail(), **{"from": "a\0@b.c"}), 422, "from"),
    "time without zone": (body(mail(), sentAt="2026-11-22T08:00:00"), 422, "sentAt"),
    "bad base64": (body(mail(), attachments=[FILE | {"contentBase64": "@"}]), 422, "attachments[0].contentBase64"),
    "unknown direction": (body(mail(), direction="up"), 422, "direction"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_BODIES)
async def test_a_bad_mail_is_refused_and_leaves_no_trace(sender: Sender, case: str) -> None:
    raw, status, named = BAD_BODIES[case]
    await refused(sender, await sender.send("email", raw, sender.sign("email", raw)), status, named)


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"email": "nobody"}, "email"), ({"phone": "020 7946"}, "phone"), ({"clientId": None}, "clientId"),
     ({"content": 1}, "content"), ({"contentType": "html"}, "contentType")],
)  # fmt: skip
async def test_a_bad_chat_is_refused_and_leaves_no_trace(sender: Sender, changed: dict[str, Any], named: str) -> None:
    raw = body(chat(), **changed)
    await refused(sender, await sender.send("chat", raw, sender.sign("chat", raw)), 422, named)


@pytest.mark.parametrize(
    ("changed", "status", "named"),
    [
        ({"webhook-id": ""}, 401, "webhook-id"),
        ({"webhook-id": "msg.1"}, 401, "webhook-id"),
        ({"webhook-timestamp": "now"}, 401, "webhook-timestamp"),
        ({"webhook-timestamp": "-1"}, 401, "webhook-timestamp"),
        ({"webhook-timestamp": "9" * 300}, 401, "webhook-timestamp"),
        ({"webhook-timestamp": str(int(time.time()) - 3600)}, 401, "webhook-timestamp"),
        ({"webhook-timestamp": str(int(time.time()) + 3600)}, 401, "webhook-timestamp"),
        ({"webhook-signature": "v1,AAAA"}, 401, "webhook-signature"),
        ({"webhook-signature": "v1"}, 401, "webhook-signature"),
        ({"webhook-signature": "v1,ä"}, 401, "webhook-signature"),
        ({"content-type": "text/plain"}, 415, "content-type"),
        ({"content-type": "multipart/form-data; boundary=x"}, 415, "content-type"),
        ({"content-type": "application/jsonx"}, 415, "content-type"),
    ],
)
async def test_a_bad_header_is_refused_and_leaves_no_trace(
    sender: Sender, changed: dict[str, str], status: int, named: str
) -> None:
    raw = body(mail())
    await refused(sender, await sender.send("email", raw, sender.sign("email", raw) | changed), status, named)


async def test_an_unsigned_body_is_never_parsed(sender: Sender) -> None:
    answer = await sender.send("email", b"not json", sender.sign("email", b"{}"))
    await refused(sender, answer, 401, "webhook-signature")


async def test_a_body_that_is_too_large_is_refused_before_it_is_proven(sender: Sender) -> None:
    raw = bytes(1_000_001)
    await refused(sender, await sender.send("chat", raw, {"content-type": "application/json"}), 413, "body")


async def test_a_mail_may_be_larger_than_a_chat(sender: Sender) -> None:
    answer = await sender.send("email", bytes(1_000_001), {"content-type": "application/json"})
    await refused(sender, answer, 401, "webhook-id")


async def test_a_mail_of_more_than_thirty_megabytes_is_refused(sender: Sender) -> None:
    answer = await sender.send("email", bytes(30_000_001), {"content-type": "application/json"})
    await refused(sender, answer, 413, "body")


async def test_a_mail_with_megabytes_of_attachments_is_accepted(sender: Sender) -> None:
    raw = body(mail(attachments=[file(os.urandom(1_500_000)) for _ in range(2)]))
    answer = await sender.send("email", raw, sender.sign("email", raw))
    assert answer.status == 202
    (blob,) = sender.traces()[0]
    kept = await sender.tenant.hub.blobs.get(BlobContainer.INBOUND, blob)
    assert kept
    assert kept.raw == raw


async def test_a_source_that_is_not_there_or_of_the_other_channel_is_a_404(sender: Sender) -> None:
    raw, sources = body(mail()), sender.tenant.project.sources
    for path in (f"email/{uuid4()}", "email/shop", f"email/{sources['chat'].id}", f"chat/{sources['email'].id}"):
        answer = await sender.send("email", raw, sender.sign("email", raw), path=f"/api/v1/ingest/{path}")
        await refused(sender, answer, 404, "source")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_a_405_that_names_the_right_one(sender: Sender, method: str) -> None:
    answer = await sender.call(method, sender.tenant.project.sources["email"].path)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert sender.traces() == ([], [])


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", 'application/json; x="ü"']
)
async def test_json_is_json_however_its_type_is_written(sender: Sender, content_type: str) -> None:
    raw = body(mail())
    answer = await sender.send("email", raw, sender.sign("email", raw) | {"content-type": content_type})
    assert answer.status == 202


async def test_nul_in_text_is_accepted_and_left_out_when_it_is_stored(sender: Sender) -> None:
    raw = body(mail(), **NUL)
    assert (await sender.send("email", raw, sender.sign("email", raw))).status == 202
    row = await sender.tenant.deliver("email", raw)
    assert (row["content"], row["subject"], row["external_id"]) == ("ab", None, "<1@x>")


NOBODY = UUID(int=1)  # random ids would be other tests in each process of a run
READS = ["contacts", f"contacts/{NOBODY}", f"contacts/{NOBODY}/context", f"interactions/{NOBODY}",
         f"attachments/{NOBODY}", f"ingest/deliveries/{NOBODY}"]  # fmt: skip


@pytest.mark.parametrize("path", READS)
async def test_a_read_needs_a_key_and_a_project(sender: Sender, path: str) -> None:
    key, project = {"x-functions-key": sender.host.key}, {"x-project-id": str(sender.tenant.id)}
    assert (await sender.call("GET", f"/api/v1/{path}", headers=project)).status == 401
    assert (await sender.call("GET", f"/api/v1/{path}", headers=project | {"x-functions-key": "x"})).status == 401
    for headers in (key, key | {"x-project-id": "shop"}):
        answer = await sender.call("GET", f"/api/v1/{path}", headers=headers)
        assert (answer.status, answer.body["field"]) == (400, "X-Project-Id")
    found = await sender.call("GET", f"/api/v1/{path}", headers=key | project)
    assert found.status == (200 if path == "contacts" else 404)


async def call(hub: Services, tenant: Tenant, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> func.HttpResponse:
    """Call the trigger itself, with parts that are set up otherwise than the host's."""
    monkeypatch.setattr(services, "current", lambda: hub)
    request = tenant.request(channel, mail() if channel == "email" else chat())
    source = tenant.project.sources[channel]
    trigger = {"email": ingest_email.ingest_email, "chat": ingest_chat.ingest_chat}[channel]
    handler = trigger._function.get_user_function()
    response: func.HttpResponse = await handler(
        func.HttpRequest(
            "POST", source.path, headers=request.headers, route_params={"source": str(source.id)}, body=request.raw
        )
    )
    return response


def moved(tenant: Tenant, service: str) -> str:
    storage = tenant.hub.settings.storage
    assert storage
    return storage.replace(f":{tenant.stack.ports[service]}/", f":{free_port()}/")


@pytest.mark.parametrize("channel", ["email", "chat"])
async def test_a_queue_that_is_away_refuses_nothing(
    tenant: Tenant, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tenant.services(HubStorage=moved(tenant, "queue"))
    assert (await call(hub, tenant, channel, monkeypatch)).status_code == 202
    assert len(tenant.blobs(BlobContainer.INBOUND)) == 1
    assert tenant.take(QueueName.INBOUND) == []


async def test_databases_that_are_away_refuse_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = f"port={free_port()}"
    postgres = tenant.hub.settings.postgres_dsn.replace(f"port={tenant.stack.ports['postgres']}", gone)
    cosmos = f"AccountEndpoint=http://127.0.0.1:{free_port()}/;AccountKey=AA==;"
    hub = tenant.services(POSTGRES_DSN=postgres, HubCosmos=cosmos)
    assert (await call(hub, tenant, "email", monkeypatch)).status_code == 202
    assert not {"postgres", "documents"} & hub.__dict__.keys()


async def unavailable(hub: Services, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    response = await call(hub, tenant, "email", monkeypatch)
    assert (response.status_code, response.mimetype) == (503, "application/problem+json")
    assert int(response.headers["Retry-After"]) > 0
    assert tenant.blobs(BlobContainer.INBOUND) == []
    assert tenant.take(QueueName.INBOUND) == []


async def test_a_blob_store_that_is_away_accepts_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    await unavailable(tenant.services(HubStorage=moved(tenant, "blob")), tenant, monkeypatch)


async def test_a_blob_store_that_goes_away_after_the_source_was_found_accepts_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tenant.services(HubStorage=moved(tenant, "blob"), SOURCE_CACHE_SECONDS="60")
    source = await tenant.hub.sources.find(tenant.source("email"))

    async def find(_: object) -> object:
        return source

    monkeypatch.setattr(hub.sources, "find", find)
    await unavailable(hub, tenant, monkeypatch)


async def test_a_wrong_key_accepts_nothing_and_refuses_nobody(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    key_id = (tenant.hub.settings.secret_keys or "").partition(":")[0]
    key = base64.b64encode(os.urandom(32)).decode()
    await unavailable(tenant.services(SECRET_KEYS=f"{key_id}:{key}"), tenant, monkeypatch)


async def test_a_swapped_source_blob_accepts_nothing_and_refuses_nobody(
    tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await tenant.hub.blobs.get(BlobContainer.SOURCES, str(other_tenant.source("email")))
    assert theirs
    await tenant.hub.blobs.put(BlobContainer.SOURCES, str(tenant.source("email")), theirs.raw, content_type="")
    await unavailable(tenant.hub, tenant, monkeypatch)


async def test_the_same_delivery_fifty_times_at_once_is_one_raw_body_and_one_answer(sender: Sender) -> None:
    raw = body(mail())
    headers = sender.sign("email", raw)
    answers = await asyncio.gather(*(sender.send("email", raw, headers) for _ in range(50)))
    assert {(each.status, json.dumps(each.body)) for each in answers} == {(202, json.dumps(answers[0].body))}
    assert len(sender.traces()[0]) == 1
