"""What a style says of the text under it: whether it is there, can be read, and in which colours.

Sources: CSS 2.2 and CSS Color 4, as far as mail programs know them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape

Color = tuple[int, int, int] | str
Declared = dict[str, tuple[str, bool]]  # value in lower case, and whether it is important

MAX_VALUE_CHARACTERS = 200
WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)
_NAMED: Mapping[str, Color] = {
    "white": WHITE, "black": BLACK, "snow": (255, 250, 250), "ivory": (255, 255, 240), "ghostwhite": (248, 248, 255),
    "whitesmoke": (245, 245, 245), "floralwhite": (255, 250, 240), "mintcream": (245, 255, 250),
    "azure": (240, 255, 255), "aliceblue": (240, 248, 255), "seashell": (255, 245, 238), "red": (255, 0, 0),
    "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "aqua": (0, 255, 255), "cyan": (0, 255, 255),
    "fuchsia": (255, 0, 255), "magenta": (255, 0, 255), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "maroon": (128, 0, 0), "olive": (128, 128, 0), "green": (0, 128, 0),
    "teal": (0, 128, 128), "navy": (0, 0, 128), "purple": (128, 0, 128),
}  # fmt: skip
_NEAR = 16  # in no channel further apart: nobody reads that
_NO_COLOR = {"inherit", "initial", "unset", "currentcolor", "none", "auto", ""}
_IMAGE = re.compile(r"url\(|gradient\(|image-set\(|element\(")
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_CALLED = re.compile(r"(rgb|hsl)a?\(([^()]{1,80})\)")
_COLOR_IN = re.compile(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\([^()]{1,80}\)|[a-z]{3,30}")
_NO_GROUND = {
    "repeat", "scroll", "fixed", "local", "center", "top", "left", "right", "bottom", "cover", "contain", "padding",
    "border", "content", "box", "inherit", "initial", "unset", "none", "transparent", "round", "space",
}  # fmt: skip

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
_LENGTH = re.compile(r"([+-]?\d{0,9}(?:\.\d{1,9})?)(px|pt|em|rem|ex|ch|%|pc|cm|mm|in|vw|vh)?")
_FONT_SIZE = re.compile(r"(?:^|\s)(0+(?=[/\s])|\d{0,4}\.?\d{1,4}(?:px|pt|em|rem|%)(?=[/\s]))")
# The largest that nobody reads.
_TINY = {"": 0.0, "px": 2.0, "pt": 1.5, "em": 0.15, "rem": 0.15, "%": 15.0}
_SQUEEZED = {"": 0.0, "px": 1.0, "pt": 1.0, "em": 0.1, "rem": 0.1, "%": 0.0}
_FAINT = {"": 0.05, "%": 5.0}
_PIXELS = {"em": 16, "rem": 16, "ex": 8, "ch": 8, "pc": 16, "cm": 38, "in": 96, "mm": 3.8, "%": 5, "vw": 5, "vh": 5}
_FAR = -500  # pixels
_SIDES = ("left", "top", "right", "bottom")
_HIDING = {"display": "none", "mso-hide": "all", "content-visibility": "hidden"}
_KNOWN = {
    *_HIDING, *_SIDES, "visibility", "opacity", "overflow", "max-height", "max-width", "height", "width", "position",
    "text-indent", "margin-left", "margin-top", "clip", "clip-path", "transform", "filter", "font", "font-size",
    "color", "-webkit-text-fill-color", "background", "background-color", "background-image",
}  # fmt: skip
_CUT_AWAY = re.compile(
    r"rect\(\s*[01](?:px)?[\s,]+[01](?:px)?[\s,]+[01](?:px)?|inset\(\s*(?:[5-9]\d|100)%|circle\(\s*0"
)
_SHRUNK = re.compile(r"scale[xy]?\(\s*0*\.?0*\s*[,)]|translate[xy]?\(\s*-\d{3,}")
_FADED = re.compile(r"opacity\(\s*0*\.?0*%?\s*\)")


_VISIBILITY = {"hidden": True, "collapse": True, "visible": False}


@dataclass(frozen=True, slots=True)
class Look:
    """How text looks: `gone` holds for all inside, the rest until something inside says otherwise.

    `ground` None is not known: an image, or a style that was not understood.
    """

    gone: bool = False
    tiny: bool = False
    invisible: bool = False
    ink: Color | None = BLACK
    ground: Color | None = WHITE

    @property
    def shown(self) -> bool:
        """Whether a person can read it."""
        return not (self.gone or self.tiny or self.invisible or _unreadable(self.ink, self.ground))

    def under(self, style: Declared) -> "Look":
        """Return the look of an element inside that has this style."""
        said = {name: value for name, (value, _) in style.items()}
        ink = _color(said.get("-webkit-text-fill-color", said.get("color", "")))
        return Look(
            gone=self.gone or _is_gone(said) or _is_far(said),
            tiny=_is_tiny(said, inherited=self.tiny),
            invisible=_VISIBILITY.get(said.get("visibility", ""), self.invisible),
            ink=self.ink if ink is None else ink,
            ground=_ground(said, self.ground),
        )


def declared(style: str) -> Declared:
    """Return the declarations of a style by property, of which the last or an important one holds."""
    found: Declared = {}
    for declaration in _plain(style).split(";"):
        name, _, value = declaration.partition(":")
        if (name := name.strip()) in _KNOWN:
            said, important, _ = value.partition("!")
            add(found, {name: (" ".join(said.split())[:MAX_VALUE_CHARACTERS], bool(important))})
    return found


def add(style: Declared, more: Declared) -> None:
    """Let `more` hold over `style`, but where that is important and it is not."""
    for name, said in more.items():
        if said[1] or not style.get(name, ("", False))[1]:
            style[name] = said


def _plain(style: str) -> str:
    style = unescape(style) if "&" in style else style
    style = _COMMENT.sub("", style) if "/*" in style else style
    return (_ESCAPE.sub(_spelled, style) if "\\" in style else style).lower()


def _spelled(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0xD800 else ""


def _is_gone(said: Mapping[str, str]) -> bool:
    if any(said.get(name) == value for name, value in _HIDING.items()):
        return True
    cut = said.get("overflow", "").startswith(("hidden", "clip"))
    if cut and any(_at_most(said.get(name, ""), _SQUEEZED) for name in ("max-height", "max-width", "height", "width")):
        return True
    return (
        _at_most(said.get("opacity", ""), _FAINT)
        or _CUT_AWAY.search(said.get("clip", "") + said.get("clip-path", "")) is not None
        or _SHRUNK.search(said.get("transform", "")) is not None
        or _FADED.search(said.get("filter", "")) is not None
    )


def _is_far(said: Mapping[str, str]) -> bool:
    placed = said.get("position", "") in ("absolute", "fixed", "relative")
    sides = (*(_SIDES if placed else ()), "text-indent", "margin-left", "margin-top")
    return any(
        (length := _length(said.get(name, ""))) and length[0] * _PIXELS.get(length[1], 1) <= _FAR for name in sides
    )


def _is_tiny(said: Mapping[str, str], *, inherited: bool) -> bool:
    size = said.get("font-size", "")
    if not size and (shorthand := _FONT_SIZE.search(said.get("font", ""))):
        size = shorthand[1]
    length = _length(size)
    if length is None:
        return inherited and (not size or size in ("inherit", "smaller", "larger"))
    return _at_most(size, _TINY) or (inherited and length[1] in ("em", "%"))


def _length(value: str) -> tuple[float, str] | None:
    match = _LENGTH.fullmatch(value)
    return (float(match[1]), match[2] or "") if match and match[1].strip("+-") else None


def _at_most(value: str, limits: Mapping[str, float]) -> bool:
    length = _length(value)
    return length is not None and 0 <= length[0] <= limits.get(length[1], 0)


def _ground(said: Mapping[str, str], inherited: Color | None) -> Color | None:
    shorthand = said.get("background", "")
    if _IMAGE.search(shorthand) or _IMAGE.search(said.get("background-image", "")):
        return None
    for value in (said.get("background-color", ""), *_COLOR_IN.findall(shorthand)):
        color = None if value in _NO_GROUND else _color(value)
        if color is not None and color != "transparent":
            return None if color == "translucent" else color
    return inherited


def _color(value: str) -> Color | None:
    """Return a colour, `transparent` or `translucent` for none to be seen or through, None where nothing is said."""
    value = value.strip()
    if value in _NO_COLOR:
        return None
    if match := _HEX.fullmatch(value):
        digits = match[1] if len(match[1]) > 4 else "".join(2 * digit for digit in match[1])
        channels = [int(digits[at : at + 2], 16) for at in range(0, len(digits), 2)]
        return _opaque((channels[0], channels[1], channels[2]), channels[3] / 255 if len(channels) > 3 else 1)
    if match := _CALLED.fullmatch(value):
        return _called(match[1], re.findall(r"-?[\d.]+%?", match[2]))
    return _NAMED.get(value, value)


def _called(kind: str, parts: list[str]) -> Color | None:
    try:
        numbers = [float(part.rstrip("%")) for part in parts]
    except ValueError:
        return None
    if len(numbers) not in (3, 4):
        return None
    alpha = numbers[3] / (100 if parts[3].endswith("%") else 1) if len(numbers) > 3 else 1
    if kind == "hsl":
        light = numbers[2]
        grey = round(min(100, light) * 2.55)
        return _opaque((grey, grey, grey) if light >= 97 or light <= 3 else f"hsl{parts[:3]}", alpha)
    scale = 2.55 if parts[0].endswith("%") else 1
    red, green, blue = (min(255, max(0, round(number * scale))) for number in numbers[:3])
    return _opaque((red, green, blue), alpha)


def _opaque(color: Color, alpha: float) -> Color:
    return "transparent" if alpha <= 0.05 else "translucent" if alpha < 0.5 else color


def _unreadable(ink: Color | None, ground: Color | None) -> bool:
    if ink == "transparent" or ground is None or ink is None:
        return ink == "transparent"
    if isinstance(ink, str) or isinstance(ground, str):
        return ink == ground != "translucent"
    return all(abs(one - other) <= _NEAR for one, other in zip(ink, ground, strict=True))
