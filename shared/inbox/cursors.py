"""Cursors: where a page ended, opaque to the caller. A page after it holds neither the same row twice nor a gap."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.errors import Rejected

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Before:
    """A page holds what comes before this moment and id; at most `limit` rows."""

    moment: datetime
    id: UUID
    limit: int

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a page's query; one row more than asked tells whether there is another page."""
        return {"before": self.moment, "before_id": self.id, "limit": self.limit + 1}


def read_cursor(cursor: str | None, limit: str | None, *, field: str = "cursor") -> Before:
    """Return the page that a caller asks for. Raises Rejected 400 that names the parameter."""
    size = _limit(limit)
    if not cursor:
        return Before(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1), size)
    try:
        moment, identifier = json.loads(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        return Before(datetime.fromisoformat(moment), UUID(identifier), size)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise Rejected(400, f"{field} is not one that this API gave", field=field) from None


def next_cursor(rows: list[dict[str, Any]], page: Before, moment: str) -> str | None:
    """Return the cursor behind a page's last row, or None when `rows` has no row more than the page."""
    if len(rows) <= page.limit:
        return None
    last = rows[page.limit - 1]
    text = json.dumps([last[moment].isoformat(), str(last["id"])])
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isdecimal() or len(text) > len(str(MAX_LIMIT)) or not 1 <= int(text) <= MAX_LIMIT:
        raise Rejected(400, f"limit must be a number from 1 to {MAX_LIMIT}", field="limit")
    return int(text)
