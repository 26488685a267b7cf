"""A raw mail as plain values. Pure: what is suspicious runs it in a process of its own."""

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from shared.errors import Permanent, Rejected
from shared.ingestion.addresses import email_identity
from shared.ingestion.email.mime_content import MailFile, content_of
from shared.ingestion.email.mime_headers import Header, flags_of, read_header, start_of_mail
from shared.ingestion.email.mime_mailboxes import MAX_MAILBOXES, mailboxes
from shared.ingestion.email.mime_parts import parts_of
from shared.ingestion.email.mime_words import text_of
from shared.models.text import MAX_CONTENT_BYTES, cut, storable

_ONCE = ("from", "subject", "date", "message-id", "to", "cc", "reply-to", "content-type")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,190}")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail. Addresses are normalised; `sent_at` is None without a date that can be read; texts are storable."""

    message_id: str | None
    references: tuple[str, ...]
    sender: str
    sender_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    sent_at: datetime | None
    text: str
    html: str | None  # safe to show
    files: tuple[MailFile, ...]
    flags: tuple[str, ...]


def read_mail(raw: bytes) -> Mail:
    """Return a mail. Raises Permanent with the reason when it passes a cap or has no sender that can be told."""
    header = read_header(raw)
    if header.over:
        raise Permanent(f"the mail has {header.over}")
    flags = flags_of(header, _ONCE)
    sender_name, sender = _sender(header, flags)
    content = content_of(parts_of(raw[start_of_mail(raw) :]))
    subject, more = header.text("subject")
    sent_at = _date(header, flags)
    to, cc = _recipients(header, "to", flags), _recipients(header, "cc", flags)
    return Mail(
        message_id=storable(header.message_id) if header.message_id else None,
        references=tuple(map(storable, header.references)),
        sender=sender,
        sender_name=storable(sender_name),
        to=to,
        cc=cc,
        subject=storable(subject)[:500],
        sent_at=sent_at,
        text=cut(storable(content.text), 2 * MAX_CONTENT_BYTES),
        html=content.html,
        files=tuple(content.files),
        flags=tuple(sorted(flags | content.flags | more)),
    )


def _sender(header: Header, flags: set[str]) -> tuple[str, str]:
    """Return name and address of the first `From`; nothing else says who a mail is from, least of all `Reply-To`."""
    text, more = text_of(header.first("from"))
    flags |= more
    found = [each for each in mailboxes(text) if each.address]
    if not found:
        raise Permanent("the mail has no address in From")
    if len(found) > 1:
        flags.add("from-many")
    try:
        address = email_identity(storable(found[0].address), field="From").value
    except Rejected as refusal:
        raise Permanent(refusal.detail) from None
    shown = _ADDRESS.search(found[0].name)
    if shown and shown[0].lower() != address:
        flags.add("from-name-is-another-address")
    return found[0].name, address


def _recipients(header: Header, name: str, flags: set[str]) -> tuple[str, ...]:
    found = [each for value in header.all(name)[:5] for each in mailboxes(text_of(value)[0])]
    if len(found) > MAX_MAILBOXES:
        flags.add("recipients-cut")
    addresses: list[str] = []
    for each in found[:MAX_MAILBOXES]:
        with suppress(Rejected):
            addresses.append(email_identity(storable(each.address), field=name).value)
    return tuple(dict.fromkeys(addresses))


def _date(header: Header, flags: set[str]) -> datetime | None:
    text, _ = header.text("date")
    if not text:
        flags.add("date-missing")
        return None
    try:
        moment = parsedate_to_datetime(text[:100])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        flags.add("date-unreadable")
        return None


def to_bytes(mail: Mail) -> bytes:
    """Return a mail as a line of JSON and its files' bytes after it."""
    value: dict[str, Any] = asdict(mail)
    value["sent_at"] = mail.sent_at.isoformat() if mail.sent_at else None
    value["files"] = [[file.filename, file.content_type, len(file.raw), file.inline] for file in mail.files]
    return json.dumps({"mail": value}).encode() + b"\n" + b"".join(file.raw for file in mail.files)


def from_bytes(raw: bytes) -> Mail:
    """Return the mail of `to_bytes`. Raises Permanent with the reason when it could not be read."""
    line, _, rest = raw.partition(b"\n")
    said = json.loads(line)
    if "refused" in said:
        raise Permanent(said["refused"])
    value = said["mail"]
    files, position = [], 0
    for filename, content_type, size, inline in value["files"]:
        files.append(MailFile(filename, content_type, rest[position : position + size], inline))
        position += size
    lists = {name: tuple(value[name]) for name in ("references", "to", "cc", "flags")}
    sent_at = datetime.fromisoformat(value["sent_at"]) if value["sent_at"] else None
    return Mail(**value | lists | {"files": tuple(files), "sent_at": sent_at})
