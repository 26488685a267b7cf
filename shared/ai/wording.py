"""What an engine says in its own words, made fit to be stored and shown: plain text that names nothing of its own."""

import re
from dataclasses import dataclass
from functools import cached_property

from shared.models.text import storable, visible

TAKEN_OUT = "[…]"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]{0,1000}>|&(?:#\d{1,8}|#x[0-9a-fA-F]{1,8}|[a-zA-Z]{2,8});")
# What leads somewhere or names somebody: links, addresses, ids, numbers of many digits.
_NAMING = re.compile(
    r"(?:[a-zA-Z][a-zA-Z0-9+.-]{1,20}://|www\.|javascript:|data:|mailto:)[^\s<>\"'()\[\]]+"
    r"|[\w.%+-]{1,64}@[\w-]+(?:\.[\w-]+)*"
    # Without its scheme a link is told by its path, or by an ending that is no word.
    r"|(?<![\w.@/-])(?:[\w-]{1,63}\.){1,4}(?:[a-z]{2,24}/[^\s<>\"'()\[\]]+|(?:com|net|org|info|biz|io|app|dev|shop|xyz|site"
    r"|online|top|eu|uk|ru|cn|example)\b)"
    r"|[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
    r"|\d(?:[ ./-]?\d){5,}",
    re.IGNORECASE,
)
# A day may be said in words and told in digits.
_DAY = re.compile(r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4})(?:\D.{0,5})?")
_WORD = re.compile(r"[^\W\d_]{4,}")
# Letters of every script, with their marks, which are no letters to `\w`.
_LABEL = re.compile(r"[^\W_][^<>@\[\]{}()\"`;:\\|=\x00-\x1f\x7f]{0,49}")
_STEM = 4


@dataclass(frozen=True)
class Wording:
    """Measures an engine's words against `source`, all that it was given of the message."""

    source: str

    def plain(self, text: str) -> str:
        """Return `text` without markup, without what nobody sees and without names of things the source has not."""
        said = _TAG.sub(" ", _CONTROL.sub(" ", visible(storable(text))))
        said = _NAMING.sub(lambda match: match[0] if self._names(match[0]) else TAKEN_OUT, said)
        return said.replace("<", "‹").strip()

    def supported(self, text: str) -> bool:
        """Whether at least half of the longer words are, by their beginnings, words of the source."""
        words = [word[:_STEM] for word in _WORD.findall(text.casefold())]
        borne_out = sum(word in self._stems for word in words)
        return borne_out > 0 and 2 * borne_out >= len(words)

    def labels(self, texts: list[str]) -> list[str]:
        """Return those that are a word or a few and name nobody, each once."""
        fit = [said for text in texts if _LABEL.fullmatch(said := visible(text).strip())]
        return list(dict.fromkeys(text for text in fit if not _NAMING.search(text)))

    def _names(self, name: str) -> bool:
        if name.casefold().rstrip(".,;:!?") in self._folded:
            return True
        if _DAY.fullmatch(name):
            return True
        digits = re.sub(r"\D", "", name)
        # Zeros behind a decimal point are a way of writing.
        return not re.search(r"[^\W\d_]", name) and (digits.rstrip("0") or "0") in self._digits

    @cached_property
    def _folded(self) -> str:
        return self.source.casefold()

    @cached_property
    def _digits(self) -> str:
        return re.sub(r"\D", "", self.source)

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(word[:_STEM] for word in _WORD.findall(self._folded))
