"""Which parts of a message its writer wrote: not what it quotes, and not what it forwards."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from shared.models.text import visible

_QUOTED = re.compile(r"\s{0,8}(?:[>\uff1e]|[|\u00bb]\s|[A-Za-z]{1,4}>\s)")
_WROTE = (
    r"(?:wrote|schrieb\w*|écrit|escribió|scritto|schreef|escreveu|skrev|napisał\w*|geschreven|geschrieben|escrito"
    r"|ha scritto)"
)
# Ends in a colon and names a writing or who wrote, with a day, a time or an address, as mail programs put it above what
# they quote.
_ANNOUNCED = re.compile(
    rf"(?:on|am|le|el|il|op|em|den|dnia|på|pe)\b.{{0,300}}\b{_WROTE}\b.{{0,100}}:\s*"
    rf"|(?=.{{0,300}}(?:\d|@)).{{1,300}}\b{_WROTE}\b.{{0,100}}:\s*"
    r"|(?=.{0,300}\d[:.]\d\d).{0,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>\s*:\s*",
    re.IGNORECASE,
)
# The first of two lines that announce: they are cut where 78 characters end.
_BEGUN = re.compile(r"(?:on|am|le|el|il|op|em|den|dnia|på)\b.{0,100}\d(?:[:.h]\d\d|\d\d\d)\b.*[^:]", re.IGNORECASE)
_BELOW = re.compile(
    r"[-_*\s]{0,40}(?:begin |anfang der |début du |inizio (?:del )?|inicio del |início da )?"
    r"(?:original message|forwarded message|(?:ursprüngliche|original)-?\s?nachricht|weitergeleiteten? nachricht"
    r"|message d.origine|message (?:transféré|réexpédié)|mensaje original|mensaje reenviado|messaggio originale"
    r"|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht|mensagem original"
    r"|mensagem (?:re)?encaminhada|ursprungligt meddelande|vidarebefordrat meddelande)[-_*:\s]{0,40}",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"\s*\*?(?:(from|von|de|da|van|från|fra|od)|(sent|date|gesendet|datum|envoyé|enviad[oa](?: el| em)?|fecha|inviato"
    r"|data|verzonden|skickat|sendt|wysłano)|(subject|betreff|objet|asunto|oggetto|onderwerp|assunto|ämne|emne|temat))"
    r"\s*:\*?\s",
    re.IGNORECASE,
)
_HEADER_LINES = 8
_ALL_FIELDS = 3
_WORD_SCRIPTS_END = "\u0e00"
_LEAST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Written:
    """The runs of `text` that the writer wrote, in order."""

    text: str
    runs: tuple[tuple[int, int], ...]

    def holds(self, start: int, end: int) -> bool:
        """Whether the writer wrote all from `start` to `end`, and it is whole words and enough of them to say a thing.

        One word proves nothing, so at least eight bytes: five Chinese characters say more than five Latin letters.
        """
        index = bisect_right(self.runs, (start, len(self.text) + 1)) - 1
        if index < 0 or not self.runs[index][0] <= start < end <= self.runs[index][1]:
            return False
        said = self.text[start:end].strip()
        return len(said.encode()) >= _LEAST_BYTES and not (self._in_word(start) or self._in_word(end))

    def _in_word(self, at: int) -> bool:
        return 0 < at < len(self.text) and _of_word(self.text[at - 1]) and _of_word(self.text[at])


def written_in(text: str) -> Written:
    """Return what the writer wrote of a message: answers between quoted lines too, nothing below what is forwarded."""
    runs: list[tuple[int, int]] = []
    for start, end in _own_lines(text):
        if runs and runs[-1][1] == start:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return Written(text, tuple(runs))


def _own_lines(text: str) -> Iterator[tuple[int, int]]:
    lines = text.splitlines(keepends=True)
    at = 0
    for number, line in enumerate(lines):
        if _is_all_below(lines, number):
            return
        if not _is_quoted(line):
            yield at, at + len(line)
        at += len(line)


def _is_all_below(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if not line:
        return False
    if _BELOW.fullmatch(line):
        return True
    announcing = _announcing(lines, number, line)
    if announcing:
        return not _next_is_quoted(lines, number + announcing)
    named = _FIELD.match(f"{line} ")
    return named is not None and named[1] is not None and _is_header(lines[number : number + _HEADER_LINES])


def _announcing(lines: list[str], number: int, line: str) -> int:
    """Return how many lines announce what somebody wrote, 0 where none does."""
    if _ANNOUNCED.fullmatch(line):
        return 1
    wrapped = number + 1 < len(lines) and _BEGUN.match(line)
    return 2 if wrapped and _ANNOUNCED.fullmatch(f"{line} {lines[number + 1].strip()}") else 0


def _next_is_quoted(lines: list[str], number: int) -> bool:
    while number < len(lines) and not lines[number].strip():
        number += 1
    return number < len(lines) and _is_quoted(lines[number])


def _is_quoted(line: str) -> bool:
    return _QUOTED.match(visible(line)) is not None


def _is_header(lines: list[str]) -> bool:
    found = {match.lastindex for line in lines if (match := _FIELD.match(f"{line.strip()} "))}
    return len(found) == _ALL_FIELDS


def _of_word(char: str) -> bool:
    """Whether words of its script are set apart by spaces, and it is part of one."""
    return char.isalnum() and char < _WORD_SCRIPTS_END
