"""Schedules of timer triggers: NCRONTAB with six (or five) fields, or a constant interval.

Written here because the cron libraries read another dialect: NCRONTAB has seconds first and joins day of month and
day of week with AND, where cron joins them with OR.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.host.configuration import time_span

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")
# 29 February is at most eight years away (1896-1904, 2096-2104).
_HORIZON_YEARS = 9


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        """Return every value that `text` (lists of `*`, `a`, `a-b`, each with `/step`) stands for."""
        return frozenset(value for item in text.split(",") for value in self._item(item))

    def _item(self, text: str) -> range:
        match = _ITEM.fullmatch(text)
        if match is None or (match[1] == "*" and match[2]):
            raise ValueError(f"{text!r} is no value for {self.name}")
        step = int(match[3] or 1)
        if match[1] == "*":
            first, last = self.low, self.high
        else:
            first = self._number(match[1])
            # `a/n` runs to the end of the field, as in NCRONTAB.
            last = self._number(match[2]) if match[2] else (self.high if match[3] else first)
        if step < 1 or first > last:
            raise ValueError(f"{text!r} holds no {self.name}")
        return range(first, last + 1, step)

    def _number(self, text: str) -> int:
        name = text.lower()[:3]
        number = self.names.index(name) + self.low if name in self.names else int(text) if text.isdecimal() else -1
        if not self.low <= number <= self.high:
            raise ValueError(f"{text!r} is not between {self.low} and {self.high} ({self.name})")
        return number


_FIELDS = (
    _Field("seconds", 0, 59),
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("days", 1, 31),
    _Field("months", 1, 12, _MONTHS),
    _Field("days of the week", 0, 6, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression; all times are UTC."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def after(self, moment: datetime) -> datetime:
        """Return the first occurrence later than `moment`; ValueError when there is none."""
        candidate = moment.replace(microsecond=0) + timedelta(seconds=1)
        while candidate.year <= moment.year + _HORIZON_YEARS:
            later = self._skip(candidate)
            if later is None:
                return candidate
            candidate = later
        raise ValueError("the schedule never occurs")

    def _skip(self, at: datetime) -> datetime | None:
        # The largest field that does not match decides how far to jump; None when all match.
        midnight = at.replace(hour=0, minute=0, second=0)
        if at.month not in self.months:
            return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        if at.day not in self.days or at.isoweekday() % 7 not in self.weekdays:
            return midnight + timedelta(days=1)
        if at.hour not in self.hours:
            return at.replace(minute=0, second=0) + timedelta(hours=1)
        if at.minute not in self.minutes:
            return at.replace(second=0) + timedelta(minutes=1)
        if at.second not in self.seconds:
            return at + timedelta(seconds=1)
        return None


@dataclass(frozen=True, slots=True)
class Interval:
    """A constant interval, from the end of one run to the start of the next."""

    length: timedelta

    def after(self, moment: datetime) -> datetime:
        """Return the next occurrence after `moment`."""
        return moment + self.length


def parse_schedule(text: str) -> Cron | Interval:
    """Return the schedule of a timer trigger; ValueError says what is wrong, also when it can never occur."""
    if ":" in text:
        length = time_span(text)
        if length <= timedelta(0):
            raise ValueError(f"interval {text!r} is not above zero")
        return Interval(length)
    parts = text.split()
    if len(parts) == len(_FIELDS) - 1:
        parts = ["0", *parts]
    if len(parts) != len(_FIELDS):
        raise ValueError(f"{text!r} has {len(parts)} fields, not 6 (second minute hour day month weekday)")
    cron = Cron(*(field.parse(part) for field, part in zip(_FIELDS, parts, strict=True)))
    cron.after(datetime.now(UTC))
    return cron
