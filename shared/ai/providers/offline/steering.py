"""Words meant for a machine that reads the message: they are not what the message says."""

import re
from functools import cache

from shared.ai.providers.offline.lexicon import LANGUAGES, section
from shared.ai.providers.offline.phrases import as_written

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ROLE = re.compile(
    r"^[ \t#*\[]{0,6}(?:system|assistant|developer)[ \t\]*]{0,3}:[^\n]*(?:\n(?![ \t]*\n)[^\n]*)*",
    re.MULTILINE | re.IGNORECASE,
)
# "System: Windows 11" in a call for help gives no orders.
_ORDER = re.compile(
    r"\b(?:mark|set|add|classify|label|forward|reply|answer|respond|output|print|reveal|approve|grant|delete|send|issue|pay"
    r"|treat|remember|store|save|say|ignore|disregard|always|never|from now on|instructions?|prompt"
    r"|you (?:are|must|will))\b",
    re.IGNORECASE,
)
_SPOKEN_TO = re.compile(r"\b(?:system|assistant|developer|ai|llm|model)\s*:", re.IGNORECASE)
_END = ".!?\n"


@cache
def _cues() -> re.Pattern[str]:
    """The phrases of all languages: whoever steers does not care which one the customer speaks."""
    known = {(entry.phrase, entry.prefix): entry for each in LANGUAGES for entry in section(each, "steering")}
    return re.compile(as_written(tuple(known.values())), re.IGNORECASE)


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    begin = max(text.rfind(stop, 0, start) for stop in _END) + 1
    ends = [place for stop in _END if (place := text.find(stop, end)) >= 0]
    return begin, min(ends, default=len(text) - 1) + 1


def without_steering(text: str) -> tuple[str, bool]:
    """The text with such sentences and all comments blanked, every other character at its place; whether it had some.

    What is blanked becomes a paragraph of its own, so that no sentence reaches across it.
    """
    spans = [match.span() for match in _COMMENT.finditer(text)]
    steered = any(_SPOKEN_TO.search(text, *span) or _cues().search(text, *span) for span in spans)
    said = [match.span() for match in _ROLE.finditer(text) if _orders(match[0].partition("\n")[0])]
    said += [_sentence(text, *match.span()) for match in _cues().finditer(text)]
    for start, end in (*spans, *said):
        text = text[:start] + _blank(end - start) + text[end:]
    return text, steered or bool(said)


def _orders(line: str) -> bool:
    return _ORDER.search(line) is not None or _cues().search(line) is not None


def _blank(length: int) -> str:
    return "\n\n" + " " * (length - 4) + "\n\n" if length >= 4 else "\n" * length
