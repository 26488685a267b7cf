"""What an HTML mail says and does not show: taken out before its text is read.

Elements are known as hidden by their own `style` or `hidden`. What a style sheet hides stays: mails for two sizes of
screen hide half of themselves with one, and either half is shown to somebody.
"""

import re
from collections.abc import Iterator
from html import unescape

from shared.ingestion.email.html_depth import names
from shared.ingestion.email.html_markup import MARKUP

FLAG = "hidden-text"
_ZERO = r"\s*:\s*0*\.?0*(?:px|pt|em|rem|%)?\s*(?:!|;|$)"
_HIDING = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all|color\s*:\s*transparent"
    rf"|(?:font-size|opacity|max-height|max-width){_ZERO}"
    r"|(?:text-indent|left|top|margin-left|margin-top)\s*:\s*-\d{3,})",
    re.IGNORECASE,
)
_STYLE = re.compile(r"""\sstyle\s*=\s*(?:"([^"]*+)"|'([^']*+)'|([^\s>"']++))""", re.IGNORECASE)
_HIDDEN = re.compile(r"""\shidden(?=[\s>/=])(?!\s*=\s*["']?until-found)""", re.IGNORECASE)
_VALUE = re.compile(r"""=\s*(?:"[^"]*+"|'[^']*+')""")
_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
# What makes it worth looking at each tag; escapes and entities may spell anything. One by one and in small letters,
# since an expression that begins with letters is looked for ten times as fast.
_MAY_HIDE = tuple(
    map(
        re.compile,
        (
            "hidden", "mso-hide", "transparent",
            r"display\s*:(?!\s*(?:block|inline|table))", r"visibility\s*:(?!\s*vis)",
            r"font-size\s*:\s*[0.]", r"opacity\s*:\s*[0.]", r"max-height\s*:\s*[0.]", r"max-width\s*:\s*[0.]",
            r"indent\s*:\s*-\d\d", r"left\s*:\s*-\d\d", r"top\s*:\s*-\d\d",
            r"style\s*=\s*[\"'][^\"'<>]{0,1000}(?:&|\\|/\*)",
        ),
    )
)  # fmt: skip
_EMPTY = names("area base br col embed hr img input link meta param source track wbr")
# A second one ends the first, without an end tag.
_ENDED_BY_NEXT = names("p li td th tr dt dd option")


def shown_html(html: str) -> tuple[str, bool]:
    """Return `html` without its hidden elements, and whether any of them had words in it.

    HTML that would show nothing comes back whole: an empty text would hide that something was sent.
    """
    folded = html.lower()
    if not any(may.search(folded) for may in _MAY_HIDE):
        return html, False
    hidden = list(_hidden_elements(html))
    if not any(_has_words(html[start:end]) for start, end in hidden):
        return html, False
    parts, at = [], 0
    for start, end in hidden:
        parts.append(html[at:start])
        at = end
    shown = " ".join((*parts, html[at:]))
    return (shown if _has_words(shown) else html), True


def _hidden_elements(html: str) -> Iterator[tuple[int, int]]:
    """Yield where each outermost hidden element begins and ends; one that never ends goes to the end."""
    name, start, depth = "", 0, 0
    for match in MARKUP.finditer(html):
        tag = (match[2] or "").lower()
        if not tag:
            continue
        if not name:
            if tag[0] != "/" and tag not in _EMPTY and _is_hidden(match[0]):
                name, start, depth = tag, match.start(), 1
            continue
        if tag == f"/{name}":
            depth -= 1
        elif tag == name:
            if name in _ENDED_BY_NEXT and depth == 1:
                yield start, match.start()
                hidden = _is_hidden(match[0])
                name, start = (tag, match.start()) if hidden else ("", 0)
                continue
            depth += 1
        if depth == 0:
            yield start, match.end()
            name = ""
    if name:
        yield start, len(html)


def _is_hidden(tag: str) -> bool:
    style = _STYLE.search(tag)
    if style:
        said = re.sub(r"/\*.*?\*/", "", unescape(style[1] or style[2] or style[3] or ""))
        if _HIDING.search(_ESCAPE.sub(_spelled, said)):
            return True
    return _HIDDEN.search(_VALUE.sub("=", tag)) is not None


def _spelled(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0xD800 else ""


def _has_words(html: str) -> bool:
    return any(char.isalnum() for char in unescape(MARKUP.sub(" ", html)))
