"""Order, invoice and ticket numbers in a text."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from shared.ai.providers.offline.lexicon import section
from shared.ai.providers.offline.phrases import as_written
from shared.models.analysis import Entity

_NUMBER = r"(?P<number>[A-Za-z0-9][A-Za-z0-9/_-]{1,30})(?![\w])"
_MARKER = (
    r"(?P<marker>[ \t]{0,2}(?:(?:number|nummer|numero|número|numéro|num|no|nr|id)(?!\w)|n[°º.])?"
    r"[.:]?[ \t]{0,2}#?[ \t]?)"
)
_LINK = r"(?:(?:is|ist|lautet|es|est|è|é)[ \t])?"
_STANDALONE = re.compile(
    r"(?<![\w-])#?(?:(?P<order>INV|ORD|PO|RE|RG|FAC|SO|AB)|(?P<ticket>TKT|TICKET|CASE|INC|REQ|SR|CS))"
    r"-\d[\d-]{1,20}\d(?!\w)"
)
_YEAR = re.compile(r"(?:19|20)\d\d")


@cache
def _cued(language: str, name: str) -> re.Pattern[str]:
    cue = as_written(section(language, name))
    return re.compile(cue + _MARKER + _LINK + r"#?" + _NUMBER, re.IGNORECASE)


def _is_number(number: str, marker: str) -> bool:
    """Tells `order A-10293` and `order no. 17` from `order 12 chairs` and `in case 2024 ...`."""
    digits = sum(char.isdigit() for char in number)
    marked = bool(marker.strip())
    lettered = digits >= 2 and any(char.isupper() for char in number)
    if marked or lettered:
        return digits >= 2 or (marked and digits >= 1 and lettered)
    return digits >= 4 and digits >= len(number) - 2 and _YEAR.fullmatch(number) is None


def references(text: str, language: str) -> Iterator[Entity]:
    """The number itself, with the value in capitals; an invoice number counts as an order's."""
    kinds: tuple[tuple[Literal["order", "ticket"], str], ...] = (("order", "order_words"), ("ticket", "ticket_words"))
    for kind, name in kinds:
        for match in _cued(language, name).finditer(text):
            number = match["number"].rstrip("-/_")
            if _is_number(number, match["marker"]):
                start = match.start("number")
                yield Entity(type=kind, text=number, value=number.upper(), start=start, end=start + len(number))
    for match in _STANDALONE.finditer(text):
        value = match[0].lstrip("#")
        found: Literal["order", "ticket"] = "order" if match["order"] else "ticket"
        yield Entity(type=found, text=match[0], value=value, start=match.start(), end=match.end())
