"""Words of a message that are meant for a machine reading it: one list for every engine.

No such list is complete: what it finds is kept out of the memory and out of the offline engine's judgement, and nothing
relies on it. It leaves people alone: who names a system, quotes a chat or complains of rules steers nobody.
"""

import re
from collections.abc import Iterator

from shared.ai.steering_phrases import CALLS, ORDERS, begins_clause, turns

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TURN_END = re.compile(r"-->|\n[ \t]*\n|\Z")
_SENTENCE_ENDS = ".!?\n"


def steers(text: str) -> bool:
    """Whether `text` seems to speak to a machine."""
    return next(_places(text), None) is not None


def without_steering(text: str) -> tuple[str, bool]:
    """The text with such sentences and all comments blanked, every other character at its place; whether it had some.

    What is blanked becomes a paragraph of its own, so that no sentence reaches across it.
    """
    spoken = list(_places(text))
    for start, end in (*spoken, *(match.span() for match in _COMMENT.finditer(text))):
        text = text[:start] + _blank(end - start) + text[end:]
    return text, bool(spoken)


def with_steering_as(mark: str, text: str) -> str:
    """Return the text with `mark` for each sentence that speaks to a machine."""
    parts, at = [], 0
    for start, end in sorted(_places(text)):
        if end > at:
            parts += [text[at : max(at, start)], mark]
            at = end
    return "".join((*parts, text[at:]))


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where a machine is spoken to: sentences, and whole turns that begin with a machine's role."""
    for match in ORDERS.finditer(text):
        if begins_clause(text, match.start()):
            yield _sentence(text, *match.span())
    for match in CALLS.finditer(text):
        yield _sentence(text, *match.span())
    for start, said in turns(text):
        end = _TURN_END.search(text, said)
        yield start, end.start() if end else len(text)


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    begin = max(text.rfind(stop, 0, start) for stop in _SENTENCE_ENDS) + 1
    ends = [place for stop in _SENTENCE_ENDS if (place := text.find(stop, end)) >= 0]
    return begin, min(ends, default=len(text) - 1) + 1


def _blank(length: int) -> str:
    return "\n\n" + " " * (length - 4) + "\n\n" if length >= 4 else "\n" * length
