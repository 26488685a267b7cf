"""The sample conversations, ready to be signed and posted or put on the queue."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal

from local.demo.placeholders import resolve, resolve_mail

Way = Literal["email", "chat", "raw", "queue"]
ROOT = Path(__file__).resolve().parents[2] / "samples"
_FOLDERS: dict[Way, str] = {"email": "emails", "chat": "chats", "raw": "raw", "queue": "external"}
_AS_SENT = compat32.clone(linesep="\r\n", max_line_length=0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One message by its way into the hub: JSON email, JSON chat or raw mail by webhook, or JSON on the queue.

    `body` is what is sent, `file_hashes` has the SHA-256 of each file in it.
    """

    name: str
    way: Way
    sent_at: datetime
    body: bytes
    file_hashes: tuple[str, ...]

    @property
    def content_type(self) -> str:
        """Return the media type of the body."""
        return "message/rfc822" if self.way == "raw" else "application/json"


def load(now: datetime, root: Path = ROOT) -> list[Sample]:
    """Return every sample with its placeholders resolved, in the order they were sent."""
    samples = [
        (_mail if way == "raw" else _json)(path, way, now, root)
        for way, folder in _FOLDERS.items()
        for path in (root / folder).glob("*.eml" if way == "raw" else "*.json")
    ]
    return sorted(samples, key=lambda sample: (sample.sent_at, sample.name))


def _json(path: Path, way: Way, now: datetime, root: Path) -> Sample:
    payload: dict[str, Any] = resolve(json.loads(path.read_text(encoding="utf-8")), now=now, root=root)
    message = payload["message"] if way == "queue" else payload
    files = (base64.b64decode(file["contentBase64"]) for file in message.get("attachments", []))
    return Sample(
        name=f"{way}-{path.stem}",
        way=way,
        sent_at=datetime.fromisoformat(message["sentAt"]),
        body=json.dumps(payload, ensure_ascii=False).encode(),
        file_hashes=_hashes(files),
    )


def _mail(path: Path, way: Way, now: datetime, root: Path) -> Sample:
    body = resolve_mail(path.read_bytes(), now=now, root=root)
    mail = message_from_bytes(body)
    return Sample(
        name=f"{way}-{path.stem}",
        way=way,
        sent_at=parsedate_to_datetime(mail["date"]),
        body=body,
        file_hashes=_hashes(_files(mail)),
    )


def _files(part: Message) -> Iterator[bytes]:
    """Yield the parts that are files; a mail inside a mail is one, and what it holds is not looked at."""
    if part.get_content_type() == "message/rfc822":
        yield part.get_payload(0).as_bytes(policy=_AS_SENT)  # type: ignore[union-attr] # a message has one, its mail
    elif part.is_multipart():
        for child in part.get_payload():
            yield from _files(child)  # type: ignore[arg-type] # the parts of a multipart are messages
    elif part.get_content_maintype() != "text":
        yield part.get_payload(decode=True)  # type: ignore[misc] # bytes, as it is no multipart


def _hashes(files: Iterator[bytes]) -> tuple[str, ...]:
    return tuple(hashlib.sha256(file).hexdigest() for file in files)
