"""Finding and weighing the phrases of a lexicon section in folded text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from shared.ai.providers.offline.lexicon import Entry, Section, section, words

WORD = re.compile(r"\w+(?:['-]\w+)*")

_NEGATION_REACH = 3
_REPEATS_COUNTED = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """One phrase found in folded text; `start` and `end` are offsets into it."""

    entry: Entry
    start: int
    end: int


def alternation(entries: Section) -> str:
    """A regex that matches any of the phrases, longest first, whole words only."""
    parts = sorted({re.escape(entry.phrase) + (r"\w*" if entry.prefix else "") for entry in entries})
    parts.sort(key=len, reverse=True)
    return rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)" if parts else r"(?!)"


def as_written(entries: Section) -> str:
    """The same for text that is not folded: curly apostrophes, `ß`, wide gaps; to be compiled with IGNORECASE."""
    return alternation(entries).replace("'", "['\u2019]").replace(r"\ ", r"[ \t\u00a0]{1,3}").replace("ss", "(?:ss|ß)")


@cache
def _pattern(language: str, name: str) -> re.Pattern[str]:
    return re.compile(alternation(section(language, name)))


@cache
def _lookup(language: str, name: str) -> tuple[dict[str, Entry], tuple[Entry, ...]]:
    entries = section(language, name)
    exact = {entry.phrase: entry for entry in reversed(entries)}
    prefixes = sorted((entry for entry in entries if entry.prefix), key=lambda entry: -len(entry.phrase))
    return exact, tuple(prefixes)


def hits(folded: str, language: str, name: str) -> Iterator[Hit]:
    """Every phrase of the section in the text, left to right, not overlapping."""
    exact, prefixes = _lookup(language, name)
    for match in _pattern(language, name).finditer(folded):
        found = match[0]
        entry = exact.get(found) or next((each for each in prefixes if found.startswith(each.phrase)), None)
        if entry is not None:
            yield Hit(entry, match.start(), match.end())


def contains(folded: str, language: str, name: str) -> bool:
    """Whether any phrase of the section stands in the text."""
    return _pattern(language, name).search(folded) is not None


def score(folded: str, language: str, name: str) -> int:
    """Sum of the weights of the phrases found; a phrase counts at most twice."""
    seen: dict[str, int] = {}
    total = 0
    for hit in hits(folded, language, name):
        times = seen[hit.entry.phrase] = seen.get(hit.entry.phrase, 0) + 1
        total += hit.entry.weight if times <= _REPEATS_COUNTED else 0
    return total


def negated(folded: str, start: int, language: str) -> bool:
    """Whether a negation stands within the three words before `start`."""
    before = WORD.findall(folded[max(0, start - 60) : start])[-_NEGATION_REACH:]
    negations = words(language, "negations")
    return any(word in negations for word in before)
