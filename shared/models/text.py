"""Text from outside, made storable: what Postgres, JSON or Cosmos DB would refuse is taken out at the edge."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_CONTENT_BYTES = 256 * 1024
MAX_METADATA_BYTES = 16 * 1024
EARLIEST = timedelta(days=30)
LATEST = timedelta(minutes=10)
MAX_DEPTH = 50

# Tag characters, variation selectors, zero-width and direction marks: a reader does not see them, a model does.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
# What no writing system, emoji or newsletter needs: text in tag characters outside a flag, text in supplementary
# selectors, forced direction, words broken inside, long runs of nothing.
_HIDING = re.compile(
    "(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]|[\U000e0100-\U000e01ef]{2}|[\u202d\u202e]"
    "|(?<=[A-Za-z])[\u200b\u2060-\u2064\ufeff](?=[A-Za-z])|[\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]{8}"
)


def visible(text: str) -> str:
    """Return what a person would read of `text`."""
    return INVISIBLE.sub("", text)


def hides(text: str) -> bool:
    """Whether `text` has something in it that was made not to be seen, and not to write a language or an emoji."""
    return _HIDING.search(text) is not None


def within_depth(value: object, depth: int = MAX_DEPTH) -> bool:
    """Whether objects and lists in `value` are nested at most `depth` deep; deeper ones can't be written out again."""
    if not isinstance(value, dict | list):
        return True
    children = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(within_depth(child, depth - 1) for child in children)


def storable(text: str) -> str:
    """Return `text` without NUL, which Postgres refuses, and with lone surrogates replaced, which UTF-8 has not."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def cut(text: str, max_bytes: int) -> str:
    """Return the longest beginning of `text` that is at most `max_bytes` of UTF-8."""
    raw = text.encode("utf-8")
    return text if len(raw) <= max_bytes else raw[:max_bytes].decode("utf-8", "ignore")


def bounded_content(text: str, metadata: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return content and metadata within their limits; what was cut is flagged in the metadata."""
    content = cut(text, MAX_CONTENT_BYTES)
    if content != text:
        metadata = {**metadata, "contentCut": True}
    if len(json.dumps(metadata, ensure_ascii=False).encode("utf-8", "replace")) > MAX_METADATA_BYTES:
        metadata = {"metadataCut": True, "contentCut": content != text}
    return content, metadata


def plausible_time(sent_at: datetime | None, received_at: datetime) -> tuple[datetime, dict[str, Any]]:
    """Return the sent time if it is within −30 days … +10 minutes of receipt, else receipt and the original flagged."""
    if sent_at is None:
        return received_at, {}
    if received_at - EARLIEST <= sent_at <= received_at + LATEST:
        return sent_at.astimezone(UTC), {}
    return received_at, {"originalTimestamp": sent_at.isoformat()}
