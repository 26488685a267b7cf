"""Style sheets of an HTML mail, as far as one selector names an element by its tag, class or id."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from shared.ingestion.email.html_styles import Declared, add, declared

MAX_SHEET_CHARACTERS = 200_000
MAX_SELECTORS = 100  # of one rule
MAX_SELECTOR_CHARACTERS = 200
# A sheet in a comment is for one mail program; a comment in a sheet is none to CSS.
_SHEET = re.compile(r"<!--.*?(?:-->|\Z)|<style\b[^<>]*+>(.*?)(?:</style|\Z)", re.IGNORECASE | re.DOTALL)
_NOT_CSS = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_BRACE = re.compile(r"([^{}]*+)([{}]|\Z)")
_SELECTOR = re.compile(r"(?:(?:html|body|\*|:root)[\s>]+)*(\*|[a-z][a-z0-9]*)?([.#][\w-]+)?")
_SCREENS = re.compile(r"@media\s+(?:only\s+)?(?:all|screen)\s*")
# Widths that screens have: what is shown there is shown to somebody.
_WIDTH = re.compile(
    r"@media\b.*\((?:max-(?:device-)?width\s*:\s*[3-9]\d\d|min-(?:device-)?width\s*:\s*\d{3})(?:\.\d+)?px\)"
)


@dataclass(slots=True)
class Sheet:
    """What holds for elements by selector. `strange`: other rules set backgrounds, so that no ground is known."""

    rules: dict[str, Declared] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    strange: bool = False

    def style(self, tag: str, classes: Iterable[str], identifier: str) -> Declared:
        """Return what holds for an element; nothing of what other widths of the screen change."""
        found: Declared = {}
        marks = [*(f".{name}" for name in classes), *([f"#{identifier}"] if identifier else [])]
        selectors = ["*", tag, *(f"{of}{mark}" for mark in marks for of in ("", tag))]
        if not self.elsewhere.isdisjoint(selectors):
            return found
        for selector in selectors:
            if selector in self.rules:
                add(found, self.rules[selector])
        return found


def sheet_of(html: str) -> Sheet:
    """Return the style sheets of `html` as one, of its first 200,000 characters of them."""
    sheet = Sheet()
    if "<style" not in html.lower():
        return sheet
    css = "\n".join(match[1] for match in _SHEET.finditer(html) if match[1])[:MAX_SHEET_CHARACTERS].lower()
    for media, selectors, said in _rules(_NOT_CSS.sub("", css)):
        if _WIDTH.match(media):
            sheet.elsewhere.update(key for each in selectors.split(",") if (key := _key(each)))
        elif not media or _SCREENS.fullmatch(media):
            style = declared(said)
            for each in selectors.split(",")[:MAX_SELECTORS]:
                _take(sheet, _key(each), style)
    return sheet


def _take(sheet: Sheet, key: str, style: Declared) -> None:
    if key and style:
        add(sheet.rules.setdefault(key, {}), style)
    elif any(name.startswith("background") for name in style):
        sheet.strange = True


def _key(selector: str) -> str:
    """Return the tag, class or id that a selector names, empty for every other selector."""
    known = _SELECTOR.fullmatch(selector.strip()[:MAX_SELECTOR_CHARACTERS])
    return (known[1] or "") + (known[2] or "") if known else ""


def _rules(css: str) -> Iterator[tuple[str, str, str]]:
    """Yield each rule's outermost at-rule, its selectors and its declarations."""
    opened: list[str] = []
    for match in _BRACE.finditer(css):
        if match[2] == "{":
            opened.append(match[1].rpartition(";")[2].strip())
        elif opened:
            selectors = opened.pop()
            media = opened[0] if opened else ""
            if not selectors.startswith("@"):
                yield media, selectors, match[1]
