"""Style sheets of an HTML mail, as far as a selector names one element by its tag, classes and id."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.ingestion.email.html_styles import Declared, add, declared

MAX_SHEET_CHARACTERS = 200_000
MAX_SELECTORS = 100  # of one rule
MAX_SELECTOR_CHARACTERS = 200
MAX_COMPOUND_RULES = 50  # of one mark
# A sheet in a comment is for one mail program; a comment in a sheet is none to CSS.
_SHEET = re.compile(r"<!--.*?(?:-->|\Z)|<style\b[^<>]*+>(.*?)(?:</style|\Z)", re.IGNORECASE | re.DOTALL)
_NOT_CSS = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_BRACE = re.compile(r"([^{}]*+)([{}]|\Z)")
_NAMED = re.compile(r"""\[(class|id)~?=["']?([\w-]+)["']?\]""")
_SELECTOR = re.compile(r"(?:(?:html|body|\*|:root)[\s>]+)*(\*|[a-z][a-z0-9]*)?((?:[.#][\w-]+)*)")
_MARK = re.compile(r"[.#][\w-]+")
_MEDIA = re.compile(r"@media\s+(?:only\s+)?(?:(?:all|screen)\b)?(?:\s*and\b)?\s*")
_WIDTH = re.compile(r"\((min|max)-(?:device-)?width\s*:\s*(\d{1,5})(?:\.\d+)?px\)")
# No screen is narrower, none that mail is read on wider.
_NARROW, _WIDE = 320, 1400


@dataclass(slots=True)
class Rules:
    """Rules by the tag and the mark that their selector asks for, `.class` or `#id`, either of which may be empty."""

    simple: dict[tuple[str, str], Declared] = field(default_factory=dict)
    compound: dict[str, list[tuple[str, frozenset[str], Declared]]] = field(default_factory=dict)

    @property
    def tags(self) -> set[str]:
        """The tags that have rules whatever their marks."""
        return {tag for tag, mark in self.simple if not mark}

    @property
    def marked(self) -> bool:
        """Whether any rule asks for a class or an id."""
        return bool(self.compound) or any(mark for _, mark in self.simple)

    def take(self, tag: str, marks: frozenset[str], style: Declared) -> None:
        """Keep a rule."""
        if len(marks) < 2:
            add(self.simple.setdefault((tag, next(iter(marks), "")), {}), style)
            return
        kept = self.compound.setdefault(min(marks), [])
        if len(kept) < MAX_COMPOUND_RULES:
            kept.append((tag, marks, style))

    def style(self, tag: str, marks: frozenset[str]) -> Declared:
        """Return what holds for an element, the more exact rule over the less exact one."""
        style: Declared = {}
        ordered = sorted(marks, reverse=True)  # classes before ids
        for key in (("*", ""), (tag, ""), *((of, mark) for mark in ordered for of in ("", "*", tag))):
            if key in self.simple:
                add(style, self.simple[key])
        for mark in ordered if self.compound else ():
            for of, needed, said in self.compound.get(mark, ()):
                if of in ("", "*", tag) and needed <= marks:
                    add(style, said)
        return style


@dataclass(slots=True)
class Sheet:
    """`everywhere` holds on every screen, `somewhere` on some. `strange`: other rules set backgrounds too."""

    everywhere: Rules = field(default_factory=Rules)
    somewhere: Rules = field(default_factory=Rules)
    strange: bool = False


def sheet_of(html: str) -> Sheet:
    """Return the style sheets of `html` as one, of its first 200,000 characters of them."""
    sheet = Sheet()
    if "<style" not in html.lower():
        return sheet
    css = "\n".join(match[1] for match in _SHEET.finditer(html) if match[1])[:MAX_SHEET_CHARACTERS].lower()
    for media, selectors, said in _rules(_NOT_CSS.sub("", css)):
        rules, style = _of_screens(media, sheet), declared(said)
        if rules and style:
            _take(sheet, rules, selectors, style)
    return sheet


def _take(sheet: Sheet, rules: Rules, selectors: str, style: Declared) -> None:
    for selector in selectors.split(",")[:MAX_SELECTORS]:
        named = _element(selector)
        if named:
            rules.take(*named, style)
        elif rules is sheet.everywhere and any(name.startswith("background") for name in style):
            sheet.strange = True


def _of_screens(media: str, sheet: Sheet) -> Rules | None:
    """Return which of a sheet's rules hold where a media query does; None for print and all that is not known."""
    if not media:
        return sheet.everywhere
    begun = _MEDIA.match(media)
    rest = media[begun.end() :] if begun else ""
    if begun and not rest:
        return sheet.everywhere
    width = _WIDTH.fullmatch(rest)
    if width is None:
        return None
    least, limit = width[1] == "min", int(width[2])
    if limit <= _NARROW if least else limit >= _WIDE:
        return sheet.everywhere
    return sheet.somewhere if _NARROW <= limit <= _WIDE else None


def _element(selector: str) -> tuple[str, frozenset[str]] | None:
    """Return the tag and the marks that a selector asks for, None for one that asks for more."""
    plain = _NAMED.sub(lambda match: ("." if match[1] == "class" else "#") + match[2], selector)
    known = _SELECTOR.fullmatch(plain.strip()[:MAX_SELECTOR_CHARACTERS])
    return (known[1] or "", frozenset(_MARK.findall(known[2]))) if known and known[0] else None


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
