import base64
import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from PIL import Image

from local.demo.samples import ROOT, Sample, load
from schema.demo_project import NAMESPACE, source_id
from shared.identifiers import sha256_hex
from shared.ingestion.registry import provider_of
from shared.models.external import MAX_EXTERNAL_BYTES, ExternalMessage
from shared.models.messages import IncomingMessage
from shared.models.sources import Source
from shared.models.webhooks import AttachmentIn, ChatIn, EmailIn

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SAMPLES = load(NOW)
EMAILS = {one.name: EmailIn.model_validate_json(one.body) for one in SAMPLES if one.way == "email"}
CHATS = {one.name: ChatIn.model_validate_json(one.body) for one in SAMPLES if one.way == "chat"}
RAW = {one.name: one for one in SAMPLES if one.way == "raw"}
EXTERNAL = {one.name: ExternalMessage.model_validate_json(one.body) for one in SAMPLES if one.way == "queue"}
ATTACHMENTS = [file for email in EMAILS.values() for file in email.attachments] + [
    file for chat in CHATS.values() for file in chat.attachments
]
ANY_ADDRESS = re.compile(r"[\w.+-]+@([\w.-]+\.\w+)")
RESERVED = re.compile(r"(.+\.)?(example|example\.(com|net|org))")


def _source(sample: Sample) -> Source:
    if sample.way == "raw":
        return Source(UUID(int=1), UUID(int=2), "email", "mime", None, ())
    if sample.way == "queue":
        provider = "chat-json" if "clientId" in json.loads(sample.body)["message"] else "email-json"
        return Source(UUID(int=1), UUID(int=2), "queue", provider, None, ())
    return Source(UUID(int=1), UUID(int=2), sample.way, "json", None, ())


def _read(sample: Sample) -> IncomingMessage:
    """Return a sample as the provider of its source reads it."""
    body = json.dumps(json.loads(sample.body)["message"]).encode() if sample.way == "queue" else sample.body
    source = _source(sample)
    [message] = provider_of(source).parse(body, source, "a delivery")
    return message


MAILS = {name: _read(sample) for name, sample in RAW.items()}
FORWARDED = {
    sha256_hex(file.raw)
    for mail in MAILS.values()
    for file in mail.attachments
    if file.content_type == "message/rfc822"
}


def test_there_are_enough_of_each_way() -> None:
    assert len(EMAILS) >= 14
    assert len(CHATS) >= 12
    assert len(RAW) >= 4
    assert len(EXTERNAL) >= 2


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.way != "raw"], ids=lambda sample: sample.name)
def test_a_sample_uses_no_field_that_the_wire_format_does_not_know(sample: Sample) -> None:
    message = json.loads(sample.body)
    if sample.way == "queue":
        assert set(message) <= set(ExternalMessage.model_fields)
        message = message["message"]
    model = ChatIn if "clientId" in message else EmailIn
    known = {field.alias for field in model.model_fields.values()}

    assert set(message) <= known


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_provider_of_its_source_takes_a_sample(sample: Sample) -> None:
    message = _read(sample)

    assert len(sample.body) <= provider_of(_source(sample)).max_body_bytes
    assert message.sent_at == sample.sent_at
    assert tuple(sha256_hex(file.raw) for file in message.attachments) == sample.file_hashes
    assert ">" not in {line[:1] for line in message.new_text.splitlines()}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_no_placeholder_is_left_after_loading(sample: Sample) -> None:
    assert b"{{" not in sample.body
    assert b"@images/" not in sample.body


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_was_sent_within_the_last_ten_days(sample: Sample) -> None:
    assert NOW - timedelta(days=10) < sample.sent_at < NOW


def test_samples_come_in_the_order_they_were_sent() -> None:
    moments = [sample.sent_at for sample in SAMPLES]

    assert moments == sorted(moments)


def test_every_message_id_is_used_once() -> None:
    ids = [email.message_id for email in EMAILS.values()] + [
        chat.message_id for chat in CHATS.values() if chat.message_id
    ]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", [name for name, email in EMAILS.items() if email.in_reply_to])
def test_a_reply_follows_an_earlier_mail_and_carries_the_references_of_its_thread(name: str) -> None:
    reply = EMAILS[name]
    answered = {email.message_id: email for email in EMAILS.values()}[reply.in_reply_to or ""]

    assert answered.sent_at < reply.sent_at
    assert reply.references == [*answered.references, answered.message_id]


def test_two_threads_go_back_and_forth() -> None:
    directions: dict[str, set[str]] = {}
    for email in EMAILS.values():
        directions.setdefault(([*email.references, email.message_id])[0], set()).add(email.direction)

    assert sum(ways == {"inbound", "outbound"} for ways in directions.values()) >= 2


def test_some_people_use_both_channels_and_one_chat_starts_without_an_address() -> None:
    by_mail = {ANY_ADDRESS.search(email.sender.lower())[0] for email in EMAILS.values()}  # type: ignore[index] # always one
    by_chat = {chat.email.lower() for chat in CHATS.values() if chat.email}
    addresses: dict[str, set[bool]] = {}
    for chat in CHATS.values():
        addresses.setdefault(chat.client_id, set()).add(chat.email is not None)

    assert len(by_mail & by_chat) >= 3
    assert {True, False} in addresses.values()


@pytest.mark.parametrize("file", ATTACHMENTS, ids=lambda file: file.filename)
def test_an_attached_image_decodes_as_what_it_says(file: AttachmentIn) -> None:
    image = Image.open(io.BytesIO(base64.b64decode(file.content_base64, validate=True)))
    image.load()

    assert Image.MIME[image.format or ""] == file.content_type


def test_every_image_is_small_and_used_and_one_is_sent_twice() -> None:
    images = list((ROOT / "images").iterdir())
    uses = Counter(digest for sample in SAMPLES for digest in sample.file_hashes if digest not in FORWARDED)

    assert len(uses) == len(images)
    assert max(uses.values()) > 1
    assert all(5_000 <= image.stat().st_size <= 60_000 for image in images)
    assert {".png", ".jpg", ".webp"} == {image.suffix for image in images}


@pytest.mark.parametrize("path", sorted([*ROOT.rglob("*.json"), *ROOT.rglob("*.eml")]), ids=lambda path: path.stem)
def test_every_address_in_a_sample_is_in_a_reserved_domain(path: Path) -> None:
    domains = {found[1] for found in ANY_ADDRESS.finditer(path.read_text(encoding="utf-8").lower())}

    assert all(RESERVED.fullmatch(domain) for domain in domains)


def test_the_raw_mails_hold_what_only_raw_mail_can() -> None:
    german = next(mail for name, mail in MAILS.items() if b"charset=iso-8859-1" in RAW[name].body)

    assert any(mail.metadata.get("inline") for mail in MAILS.values())
    assert FORWARDED
    assert "für" in (german.subject or "")
    assert "Grüßen" in german.content
    assert not any(mail.metadata["flags"] for mail in MAILS.values())


def test_a_raw_mail_answers_another_raw_mail() -> None:
    own = {mail.thread.own for mail in MAILS.values()}

    assert any(own & set(mail.thread.earlier) for mail in MAILS.values())


@pytest.mark.parametrize("message", EXTERNAL.values(), ids=EXTERNAL.keys())
def test_an_external_message_names_the_source_of_the_demo_that_takes_its_format(message: ExternalMessage) -> None:
    name = "queue-chat" if "clientId" in (message.message or {}) else "queue-email"

    assert message.source == source_id(uuid5(NAMESPACE, "Harbour & Finch"), name)


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.way == "queue"], ids=lambda sample: sample.name)
def test_an_external_message_fits_into_a_queue_message(sample: Sample) -> None:
    assert len(sample.body) <= MAX_EXTERNAL_BYTES
