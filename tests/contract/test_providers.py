"""One suite over every provider of the registry; a new provider adds a sample of its deliveries here."""

import json
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.openapi import describe
from shared.errors import Permanent, Rejected
from shared.identifiers import DeliveryId, InteractionId
from shared.ingestion.provider import Provider, Receipt, WebhookRequest
from shared.ingestion.registry import PROVIDERS, provider_of
from shared.ingestion.standard_webhooks import sign
from shared.models.messages import Channel, IncomingMessage
from shared.models.sources import Source

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SENT = "2026-11-22T08:00:00Z"


@dataclass(frozen=True)
class Sample:
    """How a provider's sender says something: `body(id, text)` is its bytes, `call` a signed delivery of them."""

    body: Callable[[str, str], bytes]
    call: Callable[[bytes], WebhookRequest]


def json_mail(identifier: str, text: str) -> bytes:
    mail = {"from": "Ada <ada@example.com>", "to": ["shop@example.org"], "messageId": identifier, "sentAt": SENT}
    return json.dumps(mail | {"subject": "My clock", "text": text}).encode()


def json_chat(identifier: str, text: str) -> bytes:
    chat = {"clientId": "widget-7", "conversationId": "c1", "messageId": identifier, "sentAt": SENT}
    return json.dumps(chat | {"content": text}).encode()


def raw_mail(identifier: str, text: str) -> bytes:
    header = (
        "From: Ada <ada@example.com>",
        "To: shop@example.org",
        f"Message-ID: {quote(identifier, safe='<@>')}",
        f"Date: {format_datetime(datetime.fromisoformat(SENT))}",
        "Subject: My clock",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: base64",
    )
    return "\r\n".join([*header, "", b64encode(text.encode("utf-8", "surrogatepass")).decode(), ""]).encode()


def signed_json(raw: bytes) -> WebhookRequest:
    return retried(raw, f"msg_{uuid.uuid4().hex}", str(int(time.time())))


def signed_mail(raw: bytes) -> WebhookRequest:
    return retried(raw, f"msg_{uuid.uuid4().hex}", str(int(time.time())), "message/rfc822")


def retried(
    raw: bytes, identifier: str, timestamp: str, content_type: str = "application/json; charset=utf-8"
) -> WebhookRequest:
    signature = sign(SECRET, f"{identifier}.{timestamp}.".encode() + raw).decode()
    headers = {"webhook-id": identifier, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}
    return WebhookRequest(headers | {"content-type": content_type}, {}, raw)


SAMPLES = {
    ("email", "json"): Sample(json_mail, signed_json),
    ("email", "mime"): Sample(raw_mail, signed_mail),
    ("chat", "json"): Sample(json_chat, signed_json),
}


@dataclass(frozen=True)
class Case:
    """A provider with its sample and a source of it."""

    provider: Provider
    sample: Sample
    source: Source

    def parse(self, request: WebhookRequest) -> list[IncomingMessage]:
        return self.provider.parse(request.raw, self.source, self.provider.delivery_key(request))

    def keys(self, request: WebhookRequest) -> list[str]:
        return self.provider.keys(request.raw, self.source, self.provider.delivery_key(request))


@pytest.fixture(params=list(PROVIDERS), ids="/".join)
def case(request: pytest.FixtureRequest) -> Case:
    return case_of(request.param)


def case_of(which: tuple[str, str]) -> Case:
    channel, name = which
    source = Source(uuid.uuid4(), uuid.uuid4(), cast("Channel", channel), name, None, (SECRET,))
    return Case(provider_of(source), SAMPLES[which], source)


def test_every_provider_has_a_sample_here() -> None:
    assert SAMPLES.keys() == PROVIDERS.keys()


def test_a_provider_is_of_the_channel_it_is_registered_for(case: Case) -> None:
    assert case.provider.channel == case.source.channel
    assert case.provider.max_body_bytes == {"email": 30_000_000, "chat": 1_000_000}[case.source.channel]


def test_a_signed_delivery_is_proven_and_parses_to_messages(case: Case) -> None:
    request = case.sample.call(case.sample.body("<1@example.com>", "Hello"))
    assert case.provider.handshake(request, case.source) is None
    case.provider.verify(request, case.source, datetime.now(UTC))
    (message,) = case.parse(request)
    assert (message.content, message.new_text, message.type) == ("Hello", "Hello", case.source.channel)
    assert message.identities
    assert message.thread.keys()
    assert message.sent_at == datetime.fromisoformat(SENT)
    assert message.direction == "inbound"


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_a_changed_byte_is_refused(case: Case, place: int) -> None:
    request = case.sample.call(case.sample.body("<1@example.com>", "Hello"))
    changed = bytearray(request.raw)
    changed[place % len(changed)] ^= 1
    with pytest.raises(Rejected) as refusal:
        case.provider.verify(
            WebhookRequest(request.headers, request.query, bytes(changed)), case.source, datetime.now(UTC)
        )
    assert refusal.value.status == 401


def test_another_sources_secret_is_refused(case: Case) -> None:
    request = case.sample.call(case.sample.body("<1@example.com>", "Hello"))
    other = Source(uuid.uuid4(), uuid.uuid4(), case.source.channel, case.source.provider, None, ("whsec_" + "A" * 40,))
    with pytest.raises(Rejected) as refusal:
        case.provider.verify(request, other, datetime.now(UTC))
    assert refusal.value.status == 401


def test_an_old_call_is_refused(case: Case) -> None:
    request = case.sample.call(case.sample.body("<1@example.com>", "Hello"))
    with pytest.raises(Rejected) as refusal:
        case.provider.verify(request, case.source, datetime.now(UTC) + timedelta(days=30))
    assert refusal.value.status == 401


def test_a_retry_has_the_same_delivery_key_and_another_body_another(case: Case) -> None:
    raw, other = (case.sample.body("<1@example.com>", text) for text in ("Hello", "Good-bye"))
    first = retried(raw, "msg_1", "1700000000")
    assert case.provider.delivery_key(first) == case.provider.delivery_key(retried(raw, "msg_1", "1700000060"))
    assert case.provider.delivery_key(first) != case.provider.delivery_key(retried(other, "msg_1", "1700000000"))
    assert case.provider.delivery_key(first) != case.provider.delivery_key(retried(raw, "msg_2", "1700000000"))


def test_the_same_bytes_signed_again_are_the_same_messages(case: Case) -> None:
    raw = case.sample.body("<1@example.com>", "Hello")
    assert case.keys(case.sample.call(raw)) == case.keys(case.sample.call(raw))


def test_nobody_hides_a_message_by_taking_its_id_first(case: Case) -> None:
    real = case.sample.call(case.sample.body("<1@example.com>", "Hello"))
    squatter = case.sample.call(case.sample.body("<1@example.com>", "Nothing to see"))
    assert set(case.keys(real)).isdisjoint(case.keys(squatter))


@pytest.mark.parametrize("which", list(PROVIDERS), ids="/".join)
@given(
    first=st.tuples(st.text(min_size=1, max_size=50), st.text()),
    second=st.tuples(st.text(min_size=1, max_size=50), st.text()),
)
def test_keys_are_equal_exactly_when_the_messages_are(
    which: tuple[str, str], first: tuple[str, str], second: tuple[str, str]
) -> None:
    case = case_of(which)
    keys = [case.keys(retried(case.sample.body(*said), "msg", "1")) for said in (first, second)]
    assert (keys[0] == keys[1]) is (first == second)


@pytest.mark.parametrize("which", list(PROVIDERS), ids="/".join)
@given(raw=st.binary(max_size=300) | st.text().map(str.encode))
def test_any_signed_bytes_are_accepted_or_a_4xx_and_then_messages_or_quarantined(
    which: tuple[str, str], raw: bytes
) -> None:
    case = case_of(which)
    assert isinstance(_outcome(case.keys, raw), (list, Rejected))
    assert isinstance(_outcome(case.parse, raw), (list, Rejected, Permanent))


def _outcome(read: Callable[[WebhookRequest], object], raw: bytes) -> object:
    try:
        return read(retried(raw, "msg", "1"))
    except (Rejected, Permanent) as refusal:
        return refusal


def test_a_body_of_another_type_is_refused(case: Case) -> None:
    raw = case.sample.body("<1@example.com>", "Hello")
    request = retried(raw, "msg", str(int(time.time())), "multipart/form-data")
    with pytest.raises(Rejected) as refusal:
        case.provider.verify(request, case.source, datetime.now(UTC))
    assert (refusal.value.status, refusal.value.field) == (415, "content-type")


def test_what_is_parsed_can_be_stored(case: Case) -> None:
    (message,) = case.parse(case.sample.call(case.sample.body("<\0@example.com>", "a\0b\N{GRINNING FACE}")))
    assert message.content == "ab\N{GRINNING FACE}"
    assert "\0" not in repr(message).replace(repr(message.key), "")


@pytest.mark.parametrize("which", list(PROVIDERS), ids="/".join)
@given(said=st.tuples(st.text(min_size=1, max_size=50), st.text()))
def test_ingest_gives_the_keys_that_parsing_gives_later(which: tuple[str, str], said: tuple[str, str]) -> None:
    case = case_of(which)
    request = retried(case.sample.body(*said), "msg", "1")
    assert case.keys(request) == [message.key for message in case.parse(request)]


def test_parsing_changes_nothing(case: Case) -> None:
    request = case.sample.call(case.sample.body("<1@example.com>", "Hello"))
    assert case.parse(request) == case.parse(request)


def test_the_answer_is_as_the_api_describes_it(case: Case) -> None:
    ids = tuple(InteractionId(uuid.uuid4()) for _ in range(2))
    at = datetime(2026, 11, 22, 8, 59, tzinfo=UTC)
    receipt = Receipt(case.source.project_id, case.source.id, DeliveryId(uuid.uuid4()), ids, at)
    answer = case.provider.acknowledge(receipt)
    operation = describe()["paths"][f"/v1/ingest/{case.source.channel}/{{source}}"]["post"]
    said: dict[str, Any] = operation["responses"][str(answer.status)]
    assert said["content"].keys() == {answer.content_type}
    assert json.loads(answer.body) == {"deliveryId": str(receipt.delivery_id), "interactionIds": [str(i) for i in ids]}
    location = f"/api/v1/ingest/deliveries/{receipt.delivery_id}?source={receipt.source_id}&hour=2026-11-22-08"
    assert answer.headers["Location"] == location
