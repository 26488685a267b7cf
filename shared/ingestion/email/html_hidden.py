"""What an HTML mail says and does not show: taken out before its text is read.

Text is known as hidden by the attributes of what it stands in, and by style sheets as far as `html_sheets` reads them.
What a style sheet shows on other screens stays: mails for two of them hide half of themselves, and either half is shown
to somebody.
"""

import re
from collections.abc import Iterator
from html import unescape

from shared.ai.steering import steers
from shared.ingestion.email.html_markup import MARKUP
from shared.ingestion.email.html_open import Open
from shared.ingestion.email.html_sheets import sheet_of

FLAG = "hidden-text"
_SMALL = r"(?<![\d.])(?:[012]|[012]?\.\d+)(?:px|pt|em|rem|%|[/;\s\"'!}]|\Z)"
_NOTHING = r"\s*:\s*(?:0|\.|1(?:\.\d+)?px)"
_SPELLED = r"(?:[&\\]|/\*)"  # entities, escapes and comments may spell anything
_UP_TO = r"(?:[^{}&\\/]++|/(?!\*))*+"
_QUOTES = (('"', '"'), ("'", "'"), ("(?![\"'])", r"\s>"))
# What makes it worth looking at each tag: a word, and what follows it where nothing is hidden in most mails that have
# it. One by one and in small letters, since an expression that begins with letters is looked for ten times as fast.
_MAY_HIDE = tuple(
    (word, re.compile(pattern))
    for word, pattern in {
        "hidden": "hidden",
        "mso-hide": "mso-hide",
        "transparent": "transparent",
        "display": r"display\s*:(?!\s*(?:block|inline|table))",
        "visibility": r"visibility\s*:(?!\s*vis)",
        "opacity": r"opacity[:(\s]+[0.]",
        "font": rf"font(?:-size)?\s*:[^;\"'}}]*?{_SMALL}",
        "height": f"height{_NOTHING}",
        "width": f"width{_NOTHING}",
        "indent": r"indent\s*:\s*-\d\d",
        "left": r"left\s*:\s*-\d\d",
        "top": r"top\s*:\s*-\d\d",
        "right": r"right\s*:\s*-\d\d",
        "bottom": r"bottom\s*:\s*-\d\d",
        "clip": r"clip(?:-path)?\s*:",
        "transform": r"transform\s*:",
        "color": r"color\s*[:=]\s*[\"']?\s*(?:#[ef]|white|snow|ivory|ghost|floral|mint|azure|alice|sea|rgb|hsl)",
        "bgcolor": "bgcolor",
        "background": r"background(?:-color)?\s*:(?!\s*(?:#f|white|none))",
        "style": "|".join(rf"style\s*+=\s*+{quote}{_UP_TO.format(end)}{_SPELLED}" for quote, end in _QUOTES),
        "<style": r"<style[^<]*\\",
    }.items()
)
# What some programs show in place of something, and comments that no program shows; each looked for by its beginning.
_ASIDE = (
    re.compile(r"<!--(?!\s*\[)(.*?)(?:-->|\Z)", re.DOTALL),
    *(re.compile(rf"{name}\s*+=\s*+[\"']([^\"'<>]++)") for name in ("alt", "title", "aria-label")),
)
_ASIDE_CHARACTERS = 20_000


def shown_html(html: str) -> tuple[str, bool]:
    """Return `html` without its hidden texts, and whether it has any, or speaks to machines in comments and the like.

    HTML of which nothing is shown has no text left: a picture with hidden words beside it says nothing in words.
    """
    folded = html.lower()
    told = _tells_machines(folded)
    if not any(word in folded and may.search(folded) for word, may in _MAY_HIDE):
        return html, told
    hidden = [span for span in _hidden_texts(html) if _has_words(html[slice(*span)])]
    if not hidden:
        return html, told
    parts, at = [], 0
    for start, end in hidden:
        parts.append(html[at:start])
        at = end
    return " ".join((*parts, html[at:])), True


def _tells_machines(folded: str) -> bool:
    """Whether what is beside the text is meant for a machine: layouts are full of it, so that alone is no alarm."""
    said = "\n\n".join(unescape(each).strip() for aside in _ASIDE for each in aside.findall(folded))
    return steers(said[:_ASIDE_CHARACTERS])


def _hidden_texts(html: str) -> Iterator[tuple[int, int]]:
    opened, at = Open(sheet_of(html)), 0
    for match in MARKUP.finditer(html):
        if at < match.start() and not opened.shown:
            yield at, match.start()
        if match[2]:
            opened.tag(match[2].lower(), match[0])
        at = match.end()
    if at < len(html) and not opened.shown:
        yield at, len(html)


def _has_words(text: str) -> bool:
    return any(char.isalnum() for char in unescape(text))
