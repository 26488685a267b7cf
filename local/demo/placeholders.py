"""The placeholders of sample files, which keep a sample readable and always a few days old.

`sentAt: "-3d2h15m"` is a moment relative to now, `contentBase64: "@images/x.png"` the bytes of a file beside the
samples, and `{{-3d2h %d %B %Y}}` inside any text a relative moment written by `strftime`, in UTC.
"""

import base64
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_OFFSET = re.compile(r"([+-])(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")
_IN_TEXT = re.compile(r"\{\{(\S+) ([^{}]+)\}\}")


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
    if isinstance(value, str):
        return _IN_TEXT.sub(lambda found: (now + offset(found[1])).strftime(found[2]), value)
    return value


def _field(key: str, value: Any, *, now: datetime, root: Path) -> Any:
    if key == "sentAt":
        return (now + offset(value)).isoformat()
    if key == "contentBase64" and value.startswith("@"):
        return base64.b64encode((root / value[1:]).read_bytes()).decode("ascii")
    return resolve(value, now=now, root=root)
