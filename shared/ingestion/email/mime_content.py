"""What a mail says and what it brings: the text to read, and every other part as a file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from itertools import chain

from shared.ingestion.email.html import read_html
from shared.ingestion.email.html_hidden import FLAG
from shared.ingestion.email.mime_charsets import decoded
from shared.ingestion.email.mime_files import type_of
from shared.ingestion.email.mime_parameters import readable
from shared.ingestion.email.mime_parts import Part, children
from shared.ingestion.email.sanitized import MAX_BYTES, sanitized
from shared.ingestion.filenames import safe_filename
from shared.models.text import storable

MAX_TEXT_BYTES = 4_000_000  # of one part; what is stored of a text is far less
_META = re.compile(rb"""charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_CID = re.compile(r"""cid:([^"'\s<>)]{1,998})""", re.IGNORECASE)
_ENDINGS = {
    "message/rfc822": "message.eml", "text/calendar": "invitation.ics", "application/ms-tnef": "winmail.dat",
    "image/png": "image.png", "image/jpeg": "image.jpg", "image/gif": "image.gif", "image/webp": "image.webp",
    "application/pdf": "document.pdf", "text/html": "text.html", "text/plain": "text.txt",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file of a mail; `inline` when the mail shows it in its text."""

    filename: str
    content_type: str
    raw: bytes = field(repr=False)
    inline: bool


@dataclass(slots=True)
class _Block:
    source: str
    is_html: bool
    hides: bool = False
    _text: str | None = None

    @property
    def text(self) -> str:
        """The text to read: HTML is only turned into text when it is not the lesser alternative.

        Then `hides` says whether it has words that it does not show.
        """
        if self._text is None:
            self._text, self.hides = read_html(self.source) if self.is_html else (self.source.strip(), False)
        return self._text


@dataclass(frozen=True, slots=True)
class _Body:
    """What a part says, twice: as plain text where there is some, and as formatted as it comes."""

    plain: list[_Block]
    rich: list[_Block]

    @classmethod
    def of(cls, bodies: "Iterable[_Body]") -> "_Body":
        """Return parts that stand one after the other."""
        found = list(bodies)
        return cls([block for body in found for block in body.plain], [block for body in found for block in body.rich])


@dataclass(slots=True)
class Content:
    """What was found so far; `html` is safe to show, None without HTML or when it passes a cap."""

    text: str = ""
    html: str | None = None
    files: list[MailFile] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    pictures: dict[str, int] = field(default_factory=dict)  # positions of files by Content-ID


def content_of(root: Part) -> Content:
    """Return text, HTML, files and flags of a mail. Every part is in the text, an alternative to it, or a file."""
    content = Content()
    files: list[Part] = []
    body = _body(root, content, files)
    content.text = "\n\n".join(block.text for block in body.plain if block.text)
    if any(block.hides for block in body.plain):
        content.flags.add(FLAG)
    for part in files:
        content.files.append(_file(part, content))
    content.html = _html(body.rich, content)
    return content


def _body(part: Part, content: Content, files: list[Part]) -> _Body:
    if part.defects:
        content.flags.add("malformed")
    if part.is_multipart():
        if (part.epilogue or "").strip():
            content.flags.add("text-outside-parts")  # some programs show it; ours do not
        found = [_body(child, content, files) for child in children(part)]
        return _chosen(found) if part.media_type == "multipart/alternative" else _Body.of(found)
    if part.media_type.startswith("multipart/") and not part.defects:
        return _Body([], [])
    if _is_text(part):
        block = _block(part, content)
        return _Body([block], [block])
    files.append(part)
    return _Body([], [])


def _chosen(alternatives: list[_Body]) -> _Body:
    """Return the first alternative that is plain text and not empty, else the last with any; and the last HTML."""
    texts = [body.plain for body in alternatives]
    best_first = chain((blocks for blocks in texts if not any(block.is_html for block in blocks)), reversed(texts))
    plain = next((blocks for blocks in best_first if any(block.text for block in blocks)), [])
    rich = (body.rich for body in reversed(alternatives) if any(block.is_html for block in body.rich))
    return _Body(plain, next(rich, plain))


def _html(blocks: list[_Block], content: Content) -> str | None:
    if not any(block.is_html for block in blocks):
        return None
    safe: list[str] = []
    for block in blocks:
        html, flags = _safe(block, content.pictures)
        content.flags |= flags
        if html is None:
            return None
        safe.append(html)
    joined = "<hr>".join(filter(str.strip, safe))
    if len(joined.encode()) > MAX_BYTES:
        content.flags.add("html-too-large")
        return None
    return joined or None


def _safe(block: _Block, pictures: dict[str, int]) -> tuple[str | None, set[str]]:
    source = storable(block.source)
    return sanitized(source if block.is_html else f"<pre>{escape(source)}</pre>" if source.strip() else "", pictures)


def _is_text(part: Part) -> bool:
    kind = part.media_type
    if kind.startswith("multipart/"):
        return True  # without a boundary that is there: all of it is text to whoever reads it
    disposition, _ = part.field("content-disposition")
    return kind in ("text/plain", "text/html") and disposition != "attachment" and not _filename(part)


def _block(part: Part, content: Content) -> _Block:
    raw, flags = part.content()
    raw = raw[:MAX_TEXT_BYTES]
    is_html = part.media_type == "text/html"
    charset = part.field("content-type")[1].get("charset")
    if is_html and not charset:
        meta = _META.search(raw[:2048])
        charset = meta[1].decode("ascii", "replace") if meta else None
    text, more = decoded(raw, charset)
    content.flags |= flags | more
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if is_html:
        content.shown |= {name.strip("<>") for name in _CID.findall(text)}
    return _Block(text, is_html)


def _filename(part: Part) -> str:
    disposition, name = part.field("content-disposition")[1], part.field("content-type")[1]
    return readable(disposition.get("filename") or name.get("name") or "")


def _file(part: Part, content: Content) -> MailFile:
    raw, flags = part.content()
    content.flags |= flags
    declared = part.media_type if "content-type" in part else part.get_default_type()
    given = _filename(part)
    kind, untrue = type_of(raw, declared, given)
    if untrue:
        content.flags.add("file-type")
    identifier = part.field("content-id")[0].strip("<>")
    if identifier:
        content.pictures.setdefault(identifier, len(content.files))
    inline = part.field("content-disposition")[0] == "inline" or identifier in {name.lower() for name in content.shown}
    name = safe_filename(given) if given else _ENDINGS.get(kind, "unnamed")
    return MailFile(name, kind, raw, inline)
