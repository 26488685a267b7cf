"""Cutting a message into the sentences that say something: greetings, signatures and quotes are left out."""

import re
from dataclasses import dataclass

from shared.ai.providers.offline.lexicon import fold, words
from shared.ai.providers.offline.names import is_name
from shared.ai.providers.offline.phrases import WORD

_LINE = re.compile(r"[^\n\r]+")
_BULLET = re.compile(r"\s*(?:[-*\u2022\u00b7]|\d{1,2}[.)])\s")
_STOP = re.compile(r"(?<![.!?\u2026])[.!?\u2026]++[\"')\]\u201d\u00bb]{0,3}(?=\s)")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

_WRAPPED_FROM = 50
_SIGNATURE_LINES = 12


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its place: `text` is exactly the message from `start` to `end`."""

    text: str
    start: int
    end: int

    @property
    def folded(self) -> str:
        """As the tables are matched."""
        return fold(self.text)


def _starts_with(folded: str, language: str, name: str) -> str | None:
    """The longest phrase of the section the line begins with."""
    found = WORD.findall(folded)
    for count in range(min(5, len(found)), 0, -1):
        phrase = " ".join(found[:count])
        if phrase in words(language, name):
            return phrase
    return None


def is_greeting(line: str, language: str) -> bool:
    """Whether the whole line only greets."""
    folded = fold(line[:200])
    if len(line) > 60 or "?" in folded or _starts_with(folded, language, "greetings") is None:
        return False
    return folded.endswith((",", "!", ":")) or len(folded.split()) <= 4


def is_closing(line: str, language: str) -> bool:
    """Whether the line ends a letter, such as `Kind regards,`."""
    folded = fold(line[:200])
    if folded == "--":
        return True
    phrase = _starts_with(folded, language, "closings") if len(line) <= 50 else None
    if phrase is None:
        return False
    rest = len(WORD.findall(folded)) - len(phrase.split())
    return rest == 0 or (rest <= 3 and not folded.endswith((".", "!", "?")))


def own_lines(text: str) -> list[Sentence]:
    """The writer's non-empty lines, stripped, with their places: no quoted lines, no line that announces a quote."""
    found: list[Sentence] = []
    for match in _LINE.finditer(text):
        stripped = match[0].strip()
        if stripped.startswith(">"):
            if found and found[-1].text.endswith(":"):
                found.pop()
        elif stripped:
            start = match.start() + match[0].index(stripped)
            found.append(Sentence(stripped, start, start + len(stripped)))
    return found


def _body_length(lines: list[Sentence], language: str) -> int:
    for index in range(len(lines) - 1, max(0, len(lines) - _SIGNATURE_LINES - 1), -1):
        if is_closing(lines[index].text, language):
            return index
    signed = len(lines) > 1 and len(lines[-1].text.split()) <= 2 and is_name(lines[-1].text, language)
    return len(lines) - signed


def signature(lines: list[Sentence], language: str) -> list[Sentence]:
    """The lines below the closing, or a last line that is only a name; empty when much text follows the closing."""
    below = lines[_body_length(lines, language) :]
    return below[1:] if below and is_closing(below[0].text, language) else below


def _blocks(text: str, language: str) -> list[tuple[int, int]]:
    """Runs of body lines that belong together: a hard-wrapped paragraph is one, a short line ends one."""
    lines = own_lines(text)
    blocks: list[tuple[int, int]] = []
    joinable = False
    for position, line in enumerate(lines[: _body_length(lines, language)]):
        if position < 3 and is_greeting(line.text, language):
            joinable = False
            continue
        if joinable and not _BULLET.match(line.text) and text[blocks[-1][1] : line.start].count("\n") == 1:
            blocks[-1] = (blocks[-1][0], line.end)
        else:
            blocks.append((line.start, line.end))
        joinable = len(line.text) >= _WRAPPED_FROM
    return blocks


def _breaks(text: str, start: int, end: int, language: str) -> list[int]:
    """Where sentences end inside a block: not after an abbreviation, not before a small letter or a digit."""
    cuts = []
    abbreviations = words(language, "abbreviations")
    for match in _STOP.finditer(text, start, end):
        following = text[match.end() : match.end() + 12].lstrip()[:1]
        before = text[max(start, match.start() - 12) : match.start()].split()
        word = fold(before[-1]) if before else ""
        dotted = match[0].startswith(".") and (word in abbreviations or (word.isdigit() and len(word) <= 2))
        if not dotted and following and not following.islower():
            cuts.append(match.end())
    return [*cuts, end]


def split(text: str, language: str) -> list[Sentence]:
    """The sentences of the message's own body, in order; those no database can hold are left out."""
    sentences = []
    for start, end in _blocks(text, language):
        begin = start
        for stop in _breaks(text, start, end, language):
            part = text[begin:stop]
            stripped = part.strip()
            if stripped and not _UNSTORABLE.search(stripped):
                offset = begin + part.index(stripped)
                sentences.append(Sentence(stripped, offset, offset + len(stripped)))
            begin = stop
    while len(sentences) > 1 and is_closing(sentences[-1].text, language):
        sentences.pop()
    return sentences
