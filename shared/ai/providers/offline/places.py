"""Cities named in a text, by a list: a capital letter alone tells no place from a name."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shared.models.analysis import Entity

_LIST = Path(__file__).parent / "lexicons" / "places.txt"


@cache
def _pattern() -> re.Pattern[str]:
    lines = (line for line in _LIST.read_text("utf-8").splitlines() if not line.startswith("#"))
    names = sorted((name.strip() for line in lines for name in line.split(",")), key=len, reverse=True)
    return re.compile(rf"(?<![\w@.-])(?:{'|'.join(map(re.escape, names))})(?![\w@-]|\.\w)")


def places(text: str) -> Iterator[Entity]:
    """Cities as written, capitals and all."""
    for match in _pattern().finditer(text):
        yield Entity(type="place", text=match[0], value=match[0], start=match.start(), end=match.end())
