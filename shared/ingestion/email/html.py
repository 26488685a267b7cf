"""Text of an HTML mail: what a reader sees, line by line, quoted passages marked as in plain mail.

The HTML is scanned once and never made a tree: trees of hostile HTML take minutes and gigabytes, in every parser that
repairs nesting as browsers do.
"""

import re
from collections.abc import Iterator
from html import unescape
from itertools import chain

from shared.ingestion.email.html_hidden import shown_html
from shared.ingestion.email.html_markup import MARKUP

MAX_HTML_CHARACTERS = 2_000_000
MAX_QUOTES = 3  # deeper ones are marked as if they were this deep
_BLOCKS = {
    *("p", "div", "br", "hr", "pre", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "tr", "ul", "ol", "li", "section", "article", "header", "footer"),
}
_CELLS = {"td", "th", "dt", "dd"}
_QUOTE, _UNQUOTE = "<!quote>", "</quote>"  # at the start of a line, where no markup is left
_TO = {f"{slash}{name}": "\n" for name in _BLOCKS for slash in ("", "/")}
_TO |= dict.fromkeys(_CELLS, " ") | {"blockquote": f"\n{_QUOTE}", "/blockquote": f"\n{_UNQUOTE}"}
# `unescape` makes an int of any number of digits, and Python refuses to read more than 4300.
_NO_CHARACTER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")


def html_to_text(html: str) -> str:
    """Return the text of `html` (its first 2 million characters): a line a block, `> ` before quotes, no empty runs."""
    return read_html(html)[0]


def read_html(html: str) -> tuple[str, bool]:
    """Return the text as `html_to_text` does, and whether the HTML has other words that it does not show."""
    shown, hides = shown_html(html[:MAX_HTML_CHARACTERS])
    return _text(shown.replace("\r", " ").replace("\n", " ")), hides


def _text(source: str) -> str:
    # Texts and what stands between them in turns: each markup is one group that names a tag and one that does not.
    parts = MARKUP.split(source)
    breaks = [_TO.get(name.lower(), "") if name else "" for name in parts[2::3]]
    text = "".join(chain.from_iterable(zip(parts[::3], [*breaks, ""], strict=True)))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_lines(_NO_CHARACTER.sub("\ufffd", text)))).strip()


def _lines(text: str) -> Iterator[str]:
    depth = 0
    for line in text.split("\n"):
        said = line
        if line.startswith(_QUOTE):
            depth, said = depth + 1, line.removeprefix(_QUOTE)
        elif line.startswith(_UNQUOTE):
            depth, said = max(0, depth - 1), line.removeprefix(_UNQUOTE)
        said = " ".join(unescape(said).split())
        yield f"{'> ' * min(depth, MAX_QUOTES)}{said}" if said else ""
