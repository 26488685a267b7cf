"""Signatures by Standard Webhooks 1.0: only what a live secret signed lately passes, all else is a 401."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from shared.clock import SystemClock
from shared.errors import Misconfigured, Rejected, Transient
from shared.ingestion.chat.json_chat import JsonChat
from shared.ingestion.provider import WebhookRequest
from shared.ingestion.receive import Ingest
from shared.ingestion.registry import PROVIDERS
from shared.ingestion.standard_webhooks import sign, verify
from shared.models.sources import Source

(VECTOR,) = json.loads((Path(__file__).parents[1] / "fixtures" / "standard_webhooks.json").read_text())
SECRET = VECTOR["secret"]
OTHER_SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
NOW = datetime.fromtimestamp(int(VECTOR["timestamp"]), UTC)
RAW = VECTOR["body"].encode()
HEADERS = {"webhook-id": VECTOR["id"], "webhook-timestamp": VECTOR["timestamp"], "webhook-signature": VECTOR["sig"]}


def refused(
    headers: dict[str, str], raw: bytes = RAW, *, now: datetime = NOW, secrets: tuple[str, ...] = (SECRET,)
) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        verify(headers, raw, secrets, now)
    assert refusal.value.status == 401
    return refusal.value


def test_the_published_vector_is_accepted() -> None:
    verify(HEADERS, RAW, (SECRET,), NOW)


def test_the_published_vector_is_what_we_sign() -> None:
    signed = f"{VECTOR['id']}.{VECTOR['timestamp']}.".encode() + RAW
    assert f"v1,{sign(SECRET, signed).decode()}" == VECTOR["sig"]


@given(body=st.text(st.characters(codec="utf-8")), key=st.binary(min_size=24, max_size=64))
def test_what_the_reference_library_signs_is_accepted(body: str, key: bytes) -> None:
    secret = "whsec_" + b64encode(key).decode()
    headers = HEADERS | {"webhook-signature": Webhook(secret).sign(VECTOR["id"], NOW, body)}
    verify(headers, body.encode(), (secret,), NOW)


def test_either_of_two_live_secrets_is_accepted_in_either_order() -> None:
    verify(HEADERS, RAW, (OTHER_SECRET, SECRET), NOW)
    verify(HEADERS, RAW, (SECRET, OTHER_SECRET), NOW)


def test_one_of_several_signatures_is_enough_and_unknown_versions_are_skipped() -> None:
    offered = f"v1a,abc v2,abc v1,{b64encode(bytes(32)).decode()} {VECTOR['sig']}"
    verify(HEADERS | {"webhook-signature": offered}, RAW, (SECRET,), NOW)


def test_a_secret_that_is_not_live_is_refused() -> None:
    assert refused(HEADERS, secrets=(OTHER_SECRET,)).field == "webhook-signature"


@given(st.integers(0, len(RAW) * 8 - 1))
def test_every_flipped_bit_of_the_body_is_refused(bit: int) -> None:
    flipped = bytearray(RAW)
    flipped[bit // 8] ^= 1 << bit % 8
    refused(HEADERS, bytes(flipped))


@given(st.data())
def test_every_changed_character_of_id_timestamp_and_signature_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(HEADERS)))
    place = data.draw(st.integers(0, len(HEADERS[name]) - 1))
    other = data.draw(st.characters().filter(lambda character: character != HEADERS[name][place]))
    changed = HEADERS[name][:place] + other + HEADERS[name][place + 1 :]
    try:
        refused(HEADERS | {name: changed})
    except UnicodeEncodeError:
        assert any("\ud800" <= character <= "\udfff" for character in changed)  # ingest makes a 401 of it


@given(st.binary(max_size=100))
def test_no_other_body_passes(raw: bytes) -> None:
    if raw != RAW:
        refused(HEADERS, raw)


@pytest.mark.parametrize("seconds", [301, 3600, -301, -86_400])
def test_a_timestamp_more_than_five_minutes_away_is_refused(seconds: int) -> None:
    assert refused(HEADERS, now=NOW + timedelta(seconds=seconds)).field == "webhook-timestamp"


@pytest.mark.parametrize("seconds", [300, 0, -300])
def test_a_timestamp_within_five_minutes_is_accepted(seconds: int) -> None:
    verify(HEADERS, RAW, (SECRET,), NOW + timedelta(seconds=seconds))


MALFORMED = {
    "signature that is not ASCII": {"webhook-signature": "v1,äöü"},
    "signature without a comma": {"webhook-signature": VECTOR["sig"].replace(",", "")},
    "signature with two commas": {"webhook-signature": VECTOR["sig"].replace(",", ",,")},
    "signature that is not base64": {"webhook-signature": "v1,!!!"},
    "id with a dot": {"webhook-id": "msg.1"},
    "id that is not ASCII": {"webhook-id": "mäg"},
    "timestamp with letters": {"webhook-timestamp": "0x60"},
    "timestamp in Arabic digits": {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
    "timestamp below zero": {"webhook-timestamp": f"-{VECTOR['timestamp']}"},
    "timestamp without end": {"webhook-timestamp": "9" * 5000},
    "timestamp with a fraction": {"webhook-timestamp": f"{VECTOR['timestamp']}.0"},
    "missing id": {"webhook-id": ""},
    "missing timestamp": {"webhook-timestamp": ""},
    "missing signature": {"webhook-signature": ""},
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_header_is_refused_and_named(case: str) -> None:
    (name,) = MALFORMED[case]
    assert refused(HEADERS | MALFORMED[case]).field == name


def test_a_body_that_is_not_utf_8_is_compared_as_bytes() -> None:
    raw = b"\xff\xfe\x00"
    refused(HEADERS, raw)
    signature = sign(SECRET, f"{VECTOR['id']}.{VECTOR['timestamp']}.".encode() + raw).decode()
    verify(HEADERS | {"webhook-signature": f"v1,{signature}"}, raw, (SECRET,), NOW)


@pytest.mark.parametrize("weak", ["", "whsec_", "whsec_====", "whsec_!!!!", "whsec_" + b64encode(b"k" * 23).decode()])
def test_an_empty_or_short_secret_is_nobodys_even_for_who_signs_with_it(weak: str) -> None:
    signature = sign(weak, f"{VECTOR['id']}.{VECTOR['timestamp']}.".encode() + RAW).decode()
    refused(HEADERS | {"webhook-signature": f"v1,{signature}"}, secrets=(weak,))


def test_a_secret_that_can_not_be_read_leaves_the_other_one_live() -> None:
    verify(HEADERS, RAW, ("whsec_ä", SECRET), NOW)


def test_a_thousand_offered_signatures_cost_one_hash_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def counted(secret: str, signed: bytes) -> bytes:
        hashed.append(secret)
        return sign(secret, signed)

    monkeypatch.setattr("shared.ingestion.standard_webhooks.sign", counted)
    refused(HEADERS | {"webhook-signature": "v1,a " * 1000}, secrets=(SECRET, OTHER_SECRET))
    assert hashed == [SECRET, OTHER_SECRET]


class Spy(JsonChat):
    """A provider whose verifier does as it is told, and that remembers what was parsed."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.parsed: list[bytes] = []

    def verify(self, request: WebhookRequest, source: Source, now: datetime) -> None:
        if self.failure:
            raise self.failure

    def parse(self, raw: bytes, source: Source, delivery_key: str) -> list[Any]:
        self.parsed.append(raw)
        return []


class OneSource:
    """Knows one source."""

    def __init__(self, *secrets: str) -> None:
        self.source = Source(uuid4(), uuid4(), "chat", "spy", None, secrets)

    async def find(self, source_id: object) -> Source:
        return self.source


def ingest_of(sources: OneSource) -> Ingest:
    return Ingest(sources, None, None, SystemClock())  # type: ignore[arg-type] # a refused call reaches no store


async def receive(sources: OneSource) -> Rejected:
    request = WebhookRequest({"content-type": "application/json"} | HEADERS, {}, b"{}")
    with pytest.raises(Rejected) as refusal:
        await ingest_of(sources).receive("chat", str(sources.source.id), request)
    return refusal.value


@pytest.mark.parametrize(
    "failure",
    [ValueError("x"), KeyError("x"), RecursionError(), UnicodeDecodeError("utf-8", b"", 0, 1, "x"), OSError()],
)  # fmt: skip
async def test_whatever_a_verifier_raises_is_a_401_and_nothing_is_parsed(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(failure)
    monkeypatch.setitem(PROVIDERS, ("chat", "spy"), spy)
    refusal = await receive(OneSource(SECRET))
    assert (refusal.status, spy.parsed) == (401, [])


@pytest.mark.parametrize("failure", [Transient("key away"), Misconfigured("key")])
async def test_a_key_that_is_away_is_no_401(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVIDERS, ("chat", "spy"), Spy(failure))
    sources = OneSource(SECRET)
    with pytest.raises(type(failure)):
        await ingest_of(sources).receive("chat", str(sources.source.id), WebhookRequest({}, {}, b"{}"))


async def test_a_source_without_secrets_is_disabled_whatever_its_verifier_says(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(None)
    monkeypatch.setitem(PROVIDERS, ("chat", "spy"), spy)
    refusal = await receive(OneSource())
    assert (refusal.status, refusal.field, spy.parsed) == (401, "source", [])
