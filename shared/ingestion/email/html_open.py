"""Which elements of an HTML mail are open at a place, and how text looks there.

Tags are taken one after the other and never made a tree: each is looked at once, whatever stands around it.
"""

import re
from dataclasses import replace
from itertools import islice

from shared.ingestion.email.html_depth import names
from shared.ingestion.email.html_sheets import Sheet
from shared.ingestion.email.html_styles import Declared, Look, add, declared

_ATTRIBUTE = re.compile(r"""[\s/]++|([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"?+|'([^']*+)'?+|([^\s>]*+)))?+""")
_TELLING = re.compile(r"style|hidden|color|background|\btext\s*=", re.IGNORECASE)
_MARKED = re.compile(r"\b(?:class|id)\s*=", re.IGNORECASE)
_VOID = names("area base br col embed hr img input link meta param source track wbr")
_BLOCKS = names(
    "address article aside blockquote center div dl fieldset footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre"
    " section table ul"
)
_CELLS, _ROW = frozenset({"td", "th"}), frozenset({"td", "th", "tr"})
# What a start tag ends that has no end tag of its own, unless it stands in one of the others.
_ENDS = {
    **dict.fromkeys(_BLOCKS, (frozenset({"p"}), names("table td th caption button"))),
    "li": (frozenset({"li", "p"}), names("ul ol table td th")),
    "td": (_CELLS, frozenset({"table"})), "th": (_CELLS, frozenset({"table"})), "tr": (_ROW, frozenset({"table"})),
    "dt": (frozenset({"dt", "dd", "p"}), names("dl table")), "dd": (frozenset({"dt", "dd", "p"}), names("dl table")),
    "option": (frozenset({"option"}), frozenset({"select"})),
}  # fmt: skip
_SEEN_BACK = 20
_KNOWN_LOOKS = 2_000


class Open:
    """The elements that are open, innermost last, each with the look of its text and whether that is shown."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._styled = sheet.everywhere.tags | sheet.somewhere.tags
        self._marked = sheet.everywhere.marked or sheet.somewhere.marked
        self._every = "*" in self._styled
        self._names: list[str] = []
        self._looks = [(Look(ground=None) if sheet.strange else Look(), True)]
        self._counts: dict[str, int] = {}
        self._known: dict[tuple[int, str], tuple[Look, tuple[Look, bool]]] = {}

    @property
    def shown(self) -> bool:
        """Whether text that stands here is shown."""
        return self._looks[-1][1]

    def tag(self, name: str, tag: str) -> None:
        """Take a start or end tag."""
        if name[0] == "/":
            if self._counts.get(name[1:]):
                self._close(name[1:])
            return
        if name in _VOID:
            return
        if name in _ENDS:
            self._end_before(*_ENDS[name])
        look = self._looks[-1]
        if self._every or name in self._styled or _TELLING.search(tag) or (self._marked and _MARKED.search(tag)):
            look = self._look(name, tag, look[0])
        self._names.append(name)
        self._looks.append(look)
        self._counts[name] = self._counts.get(name, 0) + 1

    def _close(self, name: str) -> None:
        """End the innermost element of that name, and what is open in it."""
        ended = ""
        while ended != name:
            ended = self._names.pop()
            self._looks.pop()
            self._counts[ended] -= 1

    def _end_before(self, ended: frozenset[str], scope: frozenset[str]) -> None:
        if not any(map(self._counts.get, ended)):
            return
        outermost = ""
        for name in islice(reversed(self._names), _SEEN_BACK):
            if name in scope:
                break
            outermost = name if name in ended else outermost
        if outermost:
            self._close(outermost)

    def _look(self, name: str, tag: str, inside: Look) -> tuple[Look, bool]:
        # Tables repeat their cells a thousand times.
        if (known := self._known.get((id(inside), tag))) is not None:
            return known[1]
        look = self._new_look(name, _attributes(tag, len(name) + 1), inside)
        seen = look, look.shown
        if len(self._known) < _KNOWN_LOOKS:
            self._known[id(inside), tag] = inside, seen
        return seen

    def _new_look(self, name: str, attributes: dict[str, str], inside: Look) -> Look:
        marks = frozenset(
            [f".{each}" for each in attributes.get("class", "").lower().split()]
            + [f"#{each}" for each in attributes.get("id", "").lower().split()]
        )
        style = self._sheet.everywhere.style(name, marks)
        own = declared(attributes.get("style", ""))
        for said in (declared(_presented(name, attributes)), own):
            add(style, said)
        if "hidden" in attributes and attributes["hidden"].lower() != "until-found" and "display" not in style:
            style["display"] = ("none", False)
        if not style:
            return inside
        # What is behind the text may have been said by a rule that was not understood.
        around = replace(inside, ground=None) if self._sheet.strange else inside
        look = around.under(style)
        if not look.shown:
            look = self._elsewhere(name, marks, style, around, look)
        return inside if look == inside else look

    def _elsewhere(self, name: str, marks: frozenset[str], style: Declared, around: Look, look: Look) -> Look:
        """Return the look on other screens where the text is shown there: somebody reads it."""
        changed = self._sheet.somewhere.style(name, marks)
        if not changed:
            return look
        add(style, changed)
        other = around.under(style)
        return other if other.shown else look


def _presented(name: str, attributes: dict[str, str]) -> str:
    """Return the attributes from before style sheets as a style; a picture behind the text is one of no colour."""
    said = [f"background-color:{attributes['bgcolor']}"] if "bgcolor" in attributes else []
    said += ["background:url()"] if attributes.get("background") else []
    ink = attributes.get({"font": "color", "body": "text"}.get(name, ""))
    return ";".join((*said, *([f"color:{ink}"] if ink else [])))


def _attributes(tag: str, start: int) -> dict[str, str]:
    """Return a tag's attributes by name in small letters, as browsers read them: of two the first."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(tag, start):
        if match[1]:
            found.setdefault(match[1].lower(), match[2] or match[3] or match[4] or "")
    return found
