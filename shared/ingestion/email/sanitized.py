"""HTML of a mail, made safe to show: an allowlist of tags and attributes, nothing that runs, is fetched or is styled.

What a style hid becomes visible, and a layout plain: neither is kept, since both can deceive.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import unquote

from shared.ingestion.email.html_depth import excess, names

MAX_SOURCE_BYTES = 1024 * 1024
MAX_BYTES = 256 * 1024

_TAGS = names(
    "a abbr address article aside b bdi blockquote br caption center cite code col colgroup dd del div dl dt em"
    " figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre q s samp section small"
    " span strike strong sub sup table tbody td tfoot th thead tr tt u ul var wbr"
)
_WITHOUT_CONTENT = names(
    "applet iframe math noembed noframes noscript object script select style svg template textarea title xmp"
)
_ALIGN = re.compile(r"left|right|center|justify|top|middle|bottom|baseline", re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,3}")
_SIZE = re.compile(r"[0-9]{1,4}%?")
_DIRECTION = re.compile(r"ltr|rtl|auto", re.IGNORECASE)
_TEXT = re.compile(r".{0,1000}", re.DOTALL)
_LINK = re.compile(r"(?:https?://|mailto:|tel:).+", re.IGNORECASE)
_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}", re.IGNORECASE)
_OWN = re.compile(r"attachment:[0-9]{1,3}")
_CELL = {"colspan": _COUNT, "rowspan": _COUNT, "width": _SIZE, "align": _ALIGN, "valign": _ALIGN}
_VALUES: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "a": {"href": _LINK, "title": _TEXT},
    "abbr": {"title": _TEXT},
    "img": {"alt": _TEXT, "title": _TEXT, "width": _SIZE, "height": _SIZE},
    "table": {"width": _SIZE, "align": _ALIGN},
    "tr": {"align": _ALIGN, "valign": _ALIGN},
    "td": _CELL,
    "th": _CELL,
    "col": {"span": _COUNT, "width": _SIZE},
    "ol": {"start": _COUNT},
    "*": {"dir": _DIRECTION},
}
_REL = "noopener noreferrer nofollow"
_AROUND = "".join(map(chr, range(33)))  # controls and the space
_MAX_PASSES = 5


def sanitized(html: str, pictures: Mapping[str, int]) -> tuple[str | None, set[str]]:
    """Return `html` (storable text) made safe, None with a flag when it passes a cap; safe HTML stays as it is.

    `pictures` are positions of the mail's files by Content-ID, in lower case; see `IncomingMessage.html`.
    """
    if len(html) > MAX_SOURCE_BYTES or len(html.encode()) > MAX_SOURCE_BYTES:
        return None, {"html-too-large"}
    over = excess(html)
    if over:
        return None, {over}
    clean, again = _cleaner(pictures), _again()
    for _ in range(_MAX_PASSES):
        # Parsers drop a first empty line, so that one more goes each time.
        safe = re.sub(r"<pre>\n+", "<pre>", clean(html))
        if len(safe.encode()) > MAX_BYTES:
            return None, {"html-too-large"}
        if again(safe) == safe:
            return safe, set()
        html = safe
    # What is another tree whenever it is written and read may be another one in a browser, too.
    return None, {"html-unstable"}


def _cleaner(pictures: Mapping[str, int]) -> Callable[[str], str]:
    def kept(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            return _source(value, pictures)
        if name == "rel":  # nh3's own: the mail's is not among the allowed
            return _REL
        # As browsers read addresses: without line ends and tabs, and what stands around.
        said = re.sub(r"[\t\n\r]", "", value).strip(_AROUND) if name == "href" else value
        allowed = _VALUES.get(tag, {}).get(name) or _VALUES["*"].get(name)
        return said if allowed and allowed.fullmatch(said) else None

    return _allowlist(kept)


@cache
def _again() -> Callable[[str], str]:
    """Return what cleans HTML whose values are safe: in it, only the tree can still change."""
    return _allowlist(None)


def _allowlist(kept: Callable[[str, str, str], str | None] | None) -> Callable[[str], str]:
    import nh3

    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_WITHOUT_CONTENT,
        attributes={tag: set(values) for tag, values in _VALUES.items()} | {"img": {*_VALUES["img"], "src"}},
        attribute_filter=kept,
        link_rel=_REL,
        url_schemes={"http", "https", "mailto", "tel", "cid", "attachment", "data"},
        url_relative="deny",
    ).clean


def _source(value: str, pictures: Mapping[str, int]) -> str | None:
    """Return a picture that comes with the mail: one of its files, or one in the HTML; nothing is to be fetched."""
    said = value.strip(_AROUND)
    if said[:4].lower() == "cid:":
        position = pictures.get(unquote(said[4:]).lower())
        return None if position is None else f"attachment:{position}"
    return said if _OWN.fullmatch(said) or _DATA.fullmatch(said) else None
