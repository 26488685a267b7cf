"""The number that orders the writes of one document."""

from datetime import datetime

from shared.clock import microseconds

MAX_RACES = 5
LARGEST_VERSION = 2**62  # beyond it a foreign writer's number would not leave room for ours


def next_version(previous: object, now: datetime) -> int:
    """Return the `version` of a write over one that has `previous`: later than it, and microseconds since 1970."""
    known = previous if type(previous) is int and 0 <= previous < LARGEST_VERSION else 0
    return max(known + 1, microseconds(now))
