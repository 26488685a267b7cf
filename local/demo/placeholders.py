"""The placeholders of sample files, which keep a sample readable and always a few days old.

`sentAt: "-3d2h15m"` is a moment relative to now, `contentBase64: "@images/x.png"` the bytes of a file beside the
samples, and `{{-3d2h %d %B %Y}}` inside any text a relative moment written by `strftime`, in UTC. A raw mail may have
the last of them anywhere, also in its Date, and a line that is only `@images/x.png` becomes that file in base64.
"""

import base64
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_OFFSET = re.compile(r"([+-])(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")
_IN_TEXT = re.compile(r"\{\{(\S+) ([^{}]+)\}\}")
_FILE_LINE = re.compile(r"^@(images/\S+)\n", re.MULTILINE)


def offset(text: str) -> timedelta:
    """Return what `-3d2h15m` says: a sign, then days, hours and minutes, each optional but not all; else ValueError."""
    found = _OFFSET.fullmatch(text)
    if not found:
        raise ValueError(f"not an offset like -3d2h15m: {text!r}")
    sign, days, hours, minutes = found.groups(default="0")
    size = timedelta(days=int(days), hours=int(hours), minutes=int(minutes))
    return -size if sign == "-" else size


def resolve(value: Any, *, now: datetime, root: Path) -> Any:
    """Return the JSON value with every placeholder replaced; `@` paths are below `root`."""
    if isinstance(value, dict):
        return {key: _field(key, item, now=now, root=root) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, now=now, root=root) for item in value]
    return _dated(value, now) if isinstance(value, str) else value


def resolve_mail(mail: bytes, *, now: datetime, root: Path) -> bytes:
    """Return a raw mail with every placeholder replaced and the line ends of mail; `@` paths are below `root`."""
    # Each byte is one character of Latin-1, so whatever charsets the mail has stay as they are.
    text = _dated(mail.decode("latin-1"), now)
    text = _FILE_LINE.sub(lambda found: base64.encodebytes((root / found[1]).read_bytes()).decode("ascii"), text)
    return text.replace("\n", "\r\n").encode("latin-1")


def _dated(text: str, now: datetime) -> str:
    return _IN_TEXT.sub(lambda found: (now + offset(found[1])).strftime(found[2]), text)


def _field(key: str, value: Any, *, now: datetime, root: Path) -> Any:
    if key == "sentAt":
        return (now + offset(value)).isoformat()
    if key == "contentBase64" and value.startswith("@"):
        return base64.b64encode((root / value[1:]).read_bytes()).decode("ascii")
    return resolve(value, now=now, root=root)
