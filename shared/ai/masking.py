"""Personal addresses and numbers stay here: a hosted model gets placeholders, which are put back in what it answers.

What is looked for are email addresses, phones, cards and IBANs. Names and postal addresses are not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.ai.masking_numbers import Found, Kind, cards, ibans, phones

# Both kinds of `@`, and the ways of writing it that are meant for people alone.
_AT = r"(?:[@\uff20]|[ ]?[\[({][ ]?(?:at|AT|@)[ ]?[\])}][ ]?)"
_LOCAL = r"\w.!$'*+^`{|}~%-"
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])[{_LOCAL}]{{1,254}}+{_AT}"
    r"[^\W_][\w-]{0,62}(?:(?:\.|[ ]?[\[({](?:dot|DOT)[\])}][ ]?)[\w-]{1,63}){1,8}(?<![-_])"
)
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\[(?:EMAIL|PHONE|CARD|IBAN)_\d{1,6}\]")


def personal(text: str) -> list[Found]:
    """Return what is personal in `text`, in the order it stands; nothing overlaps."""
    taken = bytearray(len(text))
    links = bytearray(len(text))
    for match in _URL.finditer(text):
        links[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    kept = []
    for found in (*_emails(text), *ibans(text), *cards(text), *phones(text)):
        # A number in a link is the shop's, and a link without it leads nowhere.
        if any(taken[found.start : found.end]) or (found.kind == "PHONE" and links[found.start]):
            continue
        taken[found.start : found.end] = b"\x01" * (found.end - found.start)
        kept.append(found)
    return sorted(kept, key=lambda found: found.start)


def _emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        local, _, domain = re.sub(_AT, "@", match[0]).rpartition("@")
        if any(char.isalpha() for char in domain):
            yield Found("EMAIL", match.start(), match.end(), f"{local}@{domain.lower()}")


@dataclass
class Mask:
    """The placeholders of one question: the same for the same words, and none that the texts hold themselves.

    `texts` are all that will be masked with it.
    """

    texts: tuple[str, ...]
    originals: dict[str, str] = field(default_factory=dict)
    _placeholders: dict[tuple[Kind, str], str] = field(default_factory=dict)
    _counts: dict[Kind, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note the placeholders that a sender wrote: put back, they would say what somebody else wrote."""
        self._written = {match[0] for text in self.texts for match in PLACEHOLDER.finditer(text)}

    def placeholder(self, kind: Kind, said: str) -> str:
        """Return what stands for `said`."""
        known = self._placeholders.get((kind, said))
        while known is None or known in self._written:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = f"[{kind}_{self._counts[kind]}]"
        self._placeholders[kind, said] = known
        self.originals[known] = said
        return known

    def masked(self, text: str) -> str:
        """Return `text` with its placeholders."""
        parts, at = [], 0
        for found in personal(text):
            parts += [text[at : found.start], self.placeholder(found.kind, text[found.start : found.end])]
            at = found.end
        return "".join((*parts, text[at:]))

    def restored(self, text: str) -> str:
        """Return `text` with the words that its placeholders stand for; one that stands for nothing stays."""
        return PLACEHOLDER.sub(lambda match: self.originals.get(match[0], match[0]), text)
