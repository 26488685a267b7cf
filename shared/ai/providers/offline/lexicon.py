"""The tables beside this file: one text file per language, read once on first use.

A `[section]` holds phrases separated by commas; lines may be split and joined at will. A number at the start of a line
weighs its phrases: `3: money back, refund*`. `word*` matches any ending. The longest phrase wins where several match,
so a phrase of weight 0 takes the feeling out of a word: `0: danke im voraus` beside `1: danke`. In `[weekdays]` the
weight is the day (Monday is 0), in `[relative_days]` the days from the day of sending.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt")

_FOLDER = Path(__file__).parent / "lexicons"
_INTERNATIONAL = ("risk.", "sarcasm")
_WEIGHT = re.compile(r"(-?\d+): ")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})


def fold(text: str) -> str:
    """The form tables are matched in: composed, casefolded, straight apostrophes, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_APOSTROPHES).casefold().split())


@dataclass(frozen=True, slots=True)
class Entry:
    """One phrase, folded; `prefix` means its last word may end in anything."""

    phrase: str
    prefix: bool
    weight: int


Section = tuple[Entry, ...]


def _entries(line: str) -> list[Entry]:
    weighed = _WEIGHT.match(line)
    weight = int(weighed[1]) if weighed else 1
    phrases = (fold(part) for part in line[weighed.end() if weighed else 0 :].split(","))
    return [Entry(part.rstrip("*"), part.endswith("*"), weight) for part in phrases if part]


@cache
def table(language: str) -> dict[str, Section]:
    """The sections of a language's file by name; empty for a language that has none."""
    if language not in LANGUAGES:
        return {}
    sections: dict[str, list[Entry]] = {}
    current: list[Entry] = []
    for line in (_FOLDER / f"{language}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            current.extend(_entries(line))
    return {name: tuple(entries) for name, entries in sections.items()}


@cache
def section(language: str, name: str) -> Section:
    """One section of a language; for a language without tables, the union over all languages.

    A message too short to tell its language still says "refund" or "Rechnung".
    """
    if language in LANGUAGES:
        return table(language).get(name, ())
    merged: dict[tuple[str, bool], Entry] = {}
    for each in LANGUAGES:
        for entry in section(each, name):
            merged.setdefault((entry.phrase, entry.prefix), entry)
    return tuple(merged.values())


@cache
def words(language: str, name: str) -> frozenset[str]:
    """The phrases of a section, without their weights."""
    return frozenset(entry.phrase for entry in section(language, name))


@cache
def vocabulary(language: str) -> frozenset[str]:
    """Every word of the language's tables: what tells languages apart in a text of three words.

    Threats and mockery are left out: they are too international to tell anything.
    """
    return frozenset(
        word
        for name, entries in table(language).items()
        if not name.startswith(_INTERNATIONAL)
        for entry in entries
        for word in entry.phrase.split()
    )
