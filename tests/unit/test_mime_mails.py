"""Odd and hostile mails as files, each with what becomes of it in `expected.json`."""

import json
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.errors import Permanent, Rejected
from shared.ingestion.email.mime_email import MimeEmail
from shared.ingestion.email.mime_mail import Mail, from_bytes, to_bytes
from shared.ingestion.email.mime_reader import MailReader
from shared.models.sources import Source

MAILS = Path(__file__).parents[1] / "fixtures" / "mime"
EXPECTED: dict[str, dict[str, Any]] = json.loads((MAILS / "expected.json").read_text(encoding="utf-8"))
READ = {name: said for name, said in EXPECTED.items() if not {"quarantined", "refused"} & said.keys()}
PROVIDER, SOURCE = MimeEmail(), Source(UUID(int=1), UUID(int=2), "email", "mime", None, ())


def raw_mail(name: str) -> bytes:
    return (MAILS / f"{name}.eml").read_bytes()


def told(mail: Mail) -> dict[str, Any]:
    """Everything that `expected.json` may say of a mail."""
    return {
        "from": mail.sender,
        "name": mail.sender_name,
        "to": list(mail.to),
        "subject": mail.subject,
        "text": mail.text,
        "messageId": mail.message_id,
        "references": list(mail.references),
        "sentAt": mail.sent_at.isoformat() if mail.sent_at else None,
        "files": [[file.filename, file.content_type, file.inline] for file in mail.files],
        "flags": list(mail.flags),
    }


def test_every_mail_has_its_expectation() -> None:
    assert {path.stem for path in MAILS.glob("*.eml")} == EXPECTED.keys()
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize("name", READ)
def test_a_mail_is_read_as_expected(name: str) -> None:
    said = told(MailReader().read(raw_mail(name)))
    assert {key: said[key] for key in READ[name]} == READ[name]


@pytest.mark.parametrize("name", [name for name, said in EXPECTED.items() if "quarantined" in said])
def test_a_mail_that_can_not_be_read_is_taken_and_then_quarantined_with_its_reason(name: str) -> None:
    (key,) = PROVIDER.keys(raw_mail(name), SOURCE, "a delivery")
    assert key
    with pytest.raises(Permanent, match=EXPECTED[name]["quarantined"]):
        PROVIDER.parse(raw_mail(name), SOURCE, "a delivery")


@pytest.mark.parametrize("name", [name for name, said in EXPECTED.items() if "refused" in said])
def test_what_is_no_mail_is_refused_at_the_door(name: str) -> None:
    with pytest.raises(Rejected) as refusal:
        PROVIDER.keys(raw_mail(name), SOURCE, "a delivery")
    assert refusal.value.status == EXPECTED[name]["refused"]


@pytest.mark.parametrize("name", READ)
def test_a_mail_comes_out_of_a_process_as_it_went_in(name: str) -> None:
    mail = MailReader().read(raw_mail(name))
    assert from_bytes(to_bytes(mail)) == mail


def other_parts(part: Message) -> Iterator[Message]:
    """The parts that the standard library sees and that are no text to read."""
    children = part.get_payload()
    if isinstance(children, list) and part.get_content_maintype() == "multipart":
        for child in children:
            assert isinstance(child, Message)
            yield from other_parts(child)
    elif part.get_filename() or part.get_content_maintype() not in ("text", "message", "multipart"):
        yield part


@pytest.mark.parametrize("name", READ)
def test_every_file_that_another_parser_sees_is_a_file_here(name: str) -> None:
    mail = MailReader().read(raw_mail(name))
    seen = [part.get_payload(decode=True) for part in other_parts(message_from_bytes(raw_mail(name)))]
    assert [raw for raw in seen if raw not in [file.raw for file in mail.files]] == []


@pytest.mark.parametrize("name", READ)
def test_ingest_gives_the_key_that_parsing_gives_later(name: str) -> None:
    (message,) = PROVIDER.parse(raw_mail(name), SOURCE, "a delivery")
    assert PROVIDER.keys(raw_mail(name), SOURCE, "a delivery") == [message.key]
    assert message.direction == "inbound"
    assert [identity.value for identity in message.identities] == [message.sender]
