"""Dates in a text, as far as they are unambiguous, made absolute by the day the message was sent."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache

from shared.ai.providers.offline.lexicon import LANGUAGES, fold, section
from shared.ai.providers.offline.phrases import as_written
from shared.models.analysis import Entity

_GAP = r"[ \t\u00a0]{1,3}"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:19|20)\d\d"
_NUMERIC = re.compile(
    rf"(?<![\w.,/-])(?:(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)"
    rf"|(?P<one>\d{{1,2}})(?P<sep>[./-])(?P<two>\d{{1,2}})(?P=sep)(?P<year>{_YEAR}|\d\d))(?![\w/-]|[.,]\d)"
)
_GERMAN_SHORT = re.compile(rf"(?<!\w)(?:am|bis|vom|zum|den|dem|ab)[ ](?P<d>{_DAY})\.(?P<m>0?[1-9]|1[0-2])\.(?!\d)")
_CLOCK = r"(?P<hour>[01]?\d|2[0-3])(?:[:.h](?P<minute>[0-5]\d))?[ ]?(?P<half>am|pm|a\.m\.|p\.m\.|uhr|uur|h)?(?![\w:])"


@cache
def _worded(language: str) -> re.Pattern[str]:
    month = as_written(section(language, "months"))
    near = rf"(?:{as_written(section(language, 'next'))})"
    past = rf"(?P<past>{as_written(section(language, 'last'))})"
    weekday = rf"(?P<weekday>{as_written(section(language, 'weekdays'))})"
    day_first = (
        rf"(?P<d1>{_DAY})(?:st|nd|rd|th|\.|er|º)?{_GAP}(?:(?:of|de|do){_GAP})?(?P<m1>{month})\.?"
        rf"(?:,?{_GAP}(?:(?:de|del|do){_GAP})?(?P<y1>{_YEAR}))?"
    )
    month_first = rf"(?P<m2>{month})\.?{_GAP}(?P<d2>{_DAY})(?:st|nd|rd|th)?(?:,?{_GAP}(?P<y2>{_YEAR}))?"
    by_week = rf"(?:{past}{_GAP}|{near}{_GAP})?{weekday}(?:{_GAP}(?:{past.replace('past', 'past2')}|{near}))?"
    relative = rf"(?P<relative>{as_written(section(language, 'relative_days'))})"
    return re.compile(rf"(?<![\w.,/-])(?:{day_first}|{month_first}|{by_week}|{relative})(?![\w])", re.IGNORECASE)


@cache
def _time_after(language: str) -> re.Pattern[str]:
    return re.compile(rf",?{_GAP}(?:(?:{as_written(section(language, 'clock'))}){_GAP})?{_CLOCK}", re.IGNORECASE)


@cache
def _exceptions(language: str) -> re.Pattern[str]:
    return re.compile(as_written(section(language, "not_dates")), re.IGNORECASE)


def _weight(language: str, name: str, found: str) -> int | None:
    """The weight of a phrase the pattern found; none for a look-alike letter (`ı` for `i`)."""
    folded = fold(found)
    return next((entry.weight for entry in section(language, name) if entry.phrase == folded), None)


@lru_cache(maxsize=512)
def _month(name: str, language: str) -> int | None:
    """The number of a month's name, full or short, as dateparser knows it.

    Whole phrases are not given to it: a relative base is cached by dateparser for each message, for ever, and a
    thousand dates in one mail would take seconds.
    """
    import dateparser

    known = [language] if language in LANGUAGES else list(LANGUAGES)
    parsed = dateparser.parse(f"1 {name} 2000", languages=known, settings={"DATE_ORDER": "DMY"})
    return parsed.month if parsed is not None else None


def _whole(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _nearest(day: int, month: int, sent: date) -> date | None:
    """The date without a year that lies nearest to the day of sending."""
    found = [each for shift in (-1, 0, 1) if (each := _whole(sent.year + shift, month, day))]
    return min(found, key=lambda each: abs(each - sent), default=None)


def _of_worded(match: re.Match[str], sent: date, language: str) -> date | None:
    if match["relative"]:
        return _shifted(sent, _weight(language, "relative_days", match["relative"]))
    if match["weekday"]:
        return _on_weekday(
            sent, _weight(language, "weekdays", match["weekday"]), past=bool(match["past"] or match["past2"])
        )
    day, month, year = (
        (match["d1"], match["m1"], match["y1"]) if match["d1"] else (match["d2"], match["m2"], match["y2"])
    )
    number = _month(fold(month), language)
    if number is None:
        return None
    return _whole(int(year), number, int(day)) if year else _nearest(int(day), number, sent)


def _on_weekday(sent: date, weekday: int | None, *, past: bool) -> date | None:
    """The first such day after the day of sending, or the last one before it; never that day itself."""
    if weekday is None:
        return None
    ahead = (weekday - sent.weekday() - 1) % 7 + 1
    if not past:
        return _shifted(sent, ahead)
    return _shifted(sent, ahead - 7 if ahead < 7 else -7)


def _shifted(sent: date, days: int | None) -> date | None:
    if days is None:
        return None
    try:
        return sent + timedelta(days=days)
    except OverflowError:
        return None


def _of_numeric(match: re.Match[str], language: str) -> date | None:
    """Day before month but in English, where a date that may be read either way is left alone."""
    if match["y"]:
        return _whole(int(match["y"]), int(match["m"]), int(match["d"]))
    one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
    year += 2000 if year < 100 else 0
    if language in LANGUAGES[1:] or match["sep"] == "." or one > 12 or one == two:
        return _whole(year, two, one)
    return _whole(year, one, two) if two > 12 else None


def _time_of(match: re.Match[str]) -> time | None:
    """A time of day; a bare number after a date is none."""
    half = (match["half"] or "").replace(".", "").lower()
    if not half and match["minute"] is None:
        return None
    hour = int(match["hour"])
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, int(match["minute"] or 0))


def _entity(text: str, start: int, end: int, found: date, language: str) -> Entity:
    value = found.isoformat()
    after = _time_after(language).match(text, end)
    clock = _time_of(after) if after else None
    if after and clock:
        value, end = f"{value}T{clock:%H:%M}", after.end()
    return Entity(type="date", text=text[start:end], value=value, start=start, end=end)


def dates(text: str, language: str, sent_at: datetime) -> Iterator[Entity]:
    """Dates with ISO 8601 values, with the time of day where one follows; `may` alone or a bare number is none."""
    sent = sent_at.date()
    excepted = [match.span() for match in _exceptions(language).finditer(text)]
    for match in _worded(language).finditer(text):
        if any(start <= match.start() < end for start, end in excepted):
            continue
        if found := _of_worded(match, sent, language):
            yield _entity(text, match.start(), match.end(), found, language)
    for match in _NUMERIC.finditer(text):
        if found := _of_numeric(match, language):
            yield _entity(text, match.start(), match.end(), found, language)
    for match in _GERMAN_SHORT.finditer(text) if language == "de" else ():
        if near := _nearest(int(match["d"]), int(match["m"]), sent):
            yield _entity(text, match.start("d"), match.end(), near, language)
