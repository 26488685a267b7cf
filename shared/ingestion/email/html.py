"""Text of an HTML mail: what a reader sees, line by line.

The HTML is scanned once and never made a tree: trees of hostile HTML take minutes and gigabytes, in every parser that
repairs nesting as browsers do.
"""

import re
from collections.abc import Iterator
from html import unescape

MAX_HTML_CHARACTERS = 2_000_000
_BLOCKS = {
    *("p", "div", "br", "hr", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "tr", "ul", "ol", "li", "section", "article", "header", "footer"),
}
_UNSEEN = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE)
    for name in ("script", "style", "title", "template", "noscript", "svg")
}
_TAG = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
# Up to the first `>` that is not in a quoted value. Possessive throughout: no text makes it look twice.
_TAG_END = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>""")
_SPACES = re.compile(r"\s+")
# `unescape` makes an int of any number of digits, and Python refuses to read more than 4300.
_NO_CHARACTER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")


def html_to_text(html: str) -> str:
    """Return the text of `html` (its first 2 million characters), one line a block, no empty runs."""
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(_pieces(html[:MAX_HTML_CHARACTERS])).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _pieces(html: str) -> Iterator[str]:
    """Yield text with one newline where a block begins or ends. Every search that fails ends it, so time is linear."""
    position = 0
    while (start := html.find("<", position)) >= 0:
        yield _text(html[position:start])
        tag = _TAG.match(html, start + 1)
        if tag is None and html[start + 1 : start + 2] not in ("!", "?", "/"):
            yield "<"
            position = start + 1
            continue
        name = tag[1].lower() if tag else ""
        end = _end(html, start, name, closing=html.startswith("/", start + 1))
        if end < 0:
            return
        yield "\n" if name in _BLOCKS else ""
        position = end
    yield _text(html[position:])


def _end(html: str, start: int, name: str, *, closing: bool) -> int:
    """Return where the tag, comment or unseen element that begins at `start` ends, -1 when it never does."""
    if html.startswith("<!--", start):
        end = html.find("-->", start + 4)
        return end + 3 if end >= 0 else -1
    if name in _UNSEEN and not closing:
        close = _UNSEEN[name].search(html, start)
        if close is None:
            return -1
        start = close.start()
    whole = _TAG_END.match(html, start)
    return whole.end() if whole else -1


def _text(source: str) -> str:
    return unescape(_NO_CHARACTER.sub("\ufffd", _SPACES.sub(" ", source)))
