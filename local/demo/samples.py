"""The sample conversations as webhook bodies, ready to be signed and posted."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from local.demo.placeholders import resolve

Channel = Literal["email", "chat"]
ROOT = Path(__file__).resolve().parents[2] / "samples"
_FOLDERS: dict[Channel, str] = {"email": "emails", "chat": "chats"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One webhook call: its JSON body and the SHA-256 of each file it carries."""

    name: str
    channel: Channel
    sent_at: datetime
    body: bytes
    file_hashes: tuple[str, ...]


def load(now: datetime, root: Path = ROOT) -> list[Sample]:
    """Return every sample with its placeholders resolved, in the order they were sent."""
    samples = [
        _read(path, channel, now, root)
        for channel, folder in _FOLDERS.items()
        for path in (root / folder).glob("*.json")
    ]
    return sorted(samples, key=lambda sample: (sample.sent_at, sample.name))


def _read(path: Path, channel: Channel, now: datetime, root: Path) -> Sample:
    payload = resolve(json.loads(path.read_text(encoding="utf-8")), now=now, root=root)
    files = (base64.b64decode(file["contentBase64"]) for file in payload.get("attachments", []))
    return Sample(
        name=f"{channel}-{path.stem}",
        channel=channel,
        sent_at=datetime.fromisoformat(payload["sentAt"]),
        body=json.dumps(payload, ensure_ascii=False).encode(),
        file_hashes=tuple(hashlib.sha256(file).hexdigest() for file in files),
    )
