"""What a parser of HTML would do with a source, at most: told by one scan, so that no bomb ever meets a parser.

Parsers repair nesting as browsers do. Their time grows with depth times tags, and one block after unclosed inline tags
copies all of these: 12 kB can become a million elements. The scan reads tags exactly as parsers do, and where it can't
tell that an end tag ends anything it counts on that it does not.
"""

import re
from typing import Literal

MAX_DEPTH = 1_000
MAX_TAGS = 50_000
MAX_ENTITIES = 100_000  # a text with more of them takes seconds
MAX_COPIES = 200_000
SMALL, FEW = 64 * 1024, 600  # so many tags in so little are no bomb, however they stand: nearly every mail
MAX_STRANGE = 128 * 1024  # characters from the first element on whose rules the scan does not know
Excess = Literal["html-too-large", "html-too-deep"]


def names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_SPACE = r"[\t\n\f\r ]"
_VALUE = r"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >"'][^\t\n\f\r >]*+)?+"""
_ATTRIBUTE = rf"[^\t\n\f\r />][^\t\n\f\r />=]*+(?:{_SPACE}*+={_SPACE}*+{_VALUE})?+"
# At most 200 attributes with the space between: duplicates are looked for among all before.
_TOKEN = re.compile(
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))"
    rf"|(/?+)([a-zA-Z][^\t\n\f\r />]*+)(?:[\t\n\f\r /]++|{_ATTRIBUTE}){{0,400}}+(>|\Z|)"
    r"|[!?/][^>]*+)",
    re.DOTALL,
)
_MAY_OPEN = re.compile(r"<[a-zA-Z]")
_VOID = names(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr"
)
# Mails leave these end tags out: the next one ends the one before, and so does the end of a block.
_ENDED = {"p", "li"}
_BLOCKS = names("article blockquote center dir div footer header ol section table tbody td tfoot th thead tr ul")
_COPIED = names("a b big code em font i nobr s small strike strong tt u")
_RAW = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
# From these on other rules may hold for what is markup and what ends what.
_STRANGE = names("applet frameset marquee math noscript object plaintext select svg template")


class _Open:
    """Elements that may be open, innermost last."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.copied = 0  # of those open, how many a new block copies
        self.copies = 0

    def start(self, name: str) -> None:
        self.copies += self.copied
        if name in _VOID or (name in _ENDED and self.names[-1:] == [name]):
            return
        self.names.append(name)
        self.copied += name in _COPIED

    def end(self, name: str) -> None:
        self.copies += self.copied
        if name in _BLOCKS:
            self._end_inside(name)
        if self.names[-1:] == [name]:
            self.names.pop()
            self.copied -= name in _COPIED

    def _end_inside(self, block: str) -> None:
        inside = len(self.names)
        while inside and self.names[inside - 1] in _ENDED:
            inside -= 1
        if self.names[inside - 1 : inside] == [block]:
            del self.names[inside:]


def excess(html: str) -> Excess | None:
    """Return what a parser would take too long or too much memory for, None when `html` may be parsed."""
    if len(html) <= SMALL and html.count("<") <= FEW:
        return None
    return "html-too-large" if html.count("&") > MAX_ENTITIES else _scanned(html)


def _scanned(html: str) -> Excess | None:
    opened, tags, position = _Open(), 0, 0
    while found := _TOKEN.search(html, position):
        position = found.end()
        if not found[2]:
            continue
        tags += 1
        if tags > MAX_TAGS or (not found[3] and position < len(html)):
            return "html-too-large"
        name = found[2].lower()
        if found[1]:
            opened.end(name)
        elif name in _STRANGE:
            return _strange_excess(html, position, len(opened.names))
        else:
            opened.start(name)
        if len(opened.names) > MAX_DEPTH or opened.copies > MAX_COPIES:
            return "html-too-deep"
        if name in _RAW and not found[1]:
            end = _RAW[name].search(html, position)
            text = position, end.start() if end else len(html)
            if name == "script" and html.find("<!--", *text) >= 0:  # it may hide the end tag
                return _strange_excess(html, position, len(opened.names))
            position = text[1]
    return None


def _strange_excess(html: str, position: int, depth: int) -> Excess | None:
    """Return the excess when every tag that may be one opens an element and nothing ends."""
    if len(html) - position > MAX_STRANGE:
        return "html-too-large"
    return "html-too-deep" if depth + len(_MAY_OPEN.findall(html, position)) > MAX_DEPTH else None
