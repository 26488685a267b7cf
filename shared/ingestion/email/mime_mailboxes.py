"""Addresses of header fields as people and programs write them: groups, comments, quotes, brackets left out."""

import re
from dataclasses import dataclass, field

from shared.ingestion.email.mime_words import words

MAX_MAILBOXES = 100
_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*+"?)|(?P<comment>\()|(?P<angle><[^<>]*+>?)|(?P<end>[,;])|(?P<group>:)'
    r'|(?P<space>\s++)|(?P<word>[^"(<,;:\s]++)',
    re.DOTALL,
)
_BRACKET = re.compile(r"\\.|[()]", re.DOTALL)
_NOISE = "<>[]()'\"`."


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name, decoded, and an address as written; the address is empty where there is none."""

    name: str
    address: str


@dataclass(slots=True)
class _Reading:
    """The mailbox that is being read."""

    names: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    angle: str | None = None

    def mailboxes(self) -> list[Mailbox]:
        if self.angle is not None:
            name = " ".join([*self.names, *self.bare]) or " ".join(self.comments)
            return [Mailbox(_name(name), self.angle)]
        name = _name(" ".join(self.names) or " ".join(self.comments))
        found = [Mailbox(name, address) for address in self.bare]
        return found or ([Mailbox(name, "")] if name else [])


def mailboxes(text: str) -> list[Mailbox]:
    """Return the mailboxes of a field in their order, at most 101, so that one too many shows.

    What is quoted, in a comment or an encoded word is never an address: such names are how senders pretend.
    """
    found: list[Mailbox] = []
    reading, position = _Reading(), 0
    while position < len(text) and len(found) <= MAX_MAILBOXES:
        token = _TOKEN.match(text, position)
        kind, said = (token.lastgroup, token[0]) if token else ("word", text[position])
        position += len(said)
        if kind == "comment":
            position = _comment(text, position, reading)
        elif kind == "end" or (kind == "angle" and reading.angle is not None):
            found += reading.mailboxes()
            reading = _Reading()
        elif kind == "group":
            reading = _Reading(angle=reading.angle)
        if kind == "angle":
            reading.angle = _address(said) or reading.angle
        elif kind == "quoted":
            position = _quoted(text, position, said, reading)
        elif kind == "word":
            _word(said, reading)
    return (found + reading.mailboxes())[: MAX_MAILBOXES + 1]


def _address(angle: str) -> str:
    inside = angle.strip("<>").strip()
    if not angle.endswith(">"):
        inside = re.split(r"[,;\s]", inside, maxsplit=1)[0]
    # A route (`@relay:ada@example.com`) is no part of who it is.
    return inside.rpartition(":")[2] if inside.startswith("@") else inside.removeprefix("mailto:")


def _quoted(text: str, position: int, said: str, reading: _Reading) -> int:
    plain = re.sub(r"\\(.)", r"\1", said[1:].removesuffix('"'), flags=re.DOTALL)
    if not text.startswith("@", position):
        reading.names.append(plain)
        return position
    domain = _TOKEN.match(text, position)
    rest = domain[0] if domain else "@"
    reading.bare.append(plain + rest)
    return position + len(rest)


def _comment(text: str, position: int, reading: _Reading) -> int:
    depth, begin = 1, position
    for mark in _BRACKET.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            reading.comments.append(text[begin : mark.start()])
            return mark.end()
    return len(text)


def _name(text: str) -> str:
    return words(text)[0].strip(" '\"")[:300]


def _word(said: str, reading: _Reading) -> None:
    bare = said.strip(_NOISE)
    if "@" in bare:
        reading.bare.append(bare)
    elif said.strip("<>"):
        reading.names.append(said.strip("<>"))
