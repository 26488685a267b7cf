"""What a mail says and what it brings: the text to read, and every other part as a file."""

import re
from dataclasses import dataclass, field
from itertools import chain

from shared.ingestion.email.html import html_to_text
from shared.ingestion.email.mime_charsets import decoded
from shared.ingestion.email.mime_files import type_of
from shared.ingestion.email.mime_parameters import readable
from shared.ingestion.email.mime_parts import Part, children
from shared.ingestion.filenames import safe_filename

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
    _text: str | None = None

    @property
    def text(self) -> str:
        """The text to read: HTML is only turned into text when it is not the lesser alternative."""
        if self._text is None:
            self._text = html_to_text(self.source) if self.is_html else self.source.strip()
        return self._text


@dataclass(slots=True)
class Content:
    """What was found so far."""

    text: str = ""
    files: list[MailFile] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)


def content_of(root: Part) -> Content:
    """Return text, files and flags of a mail. Every part is in the text, an alternative to it, or a file."""
    content = Content()
    files: list[Part] = []
    blocks = _blocks(root, content, files)
    content.text = "\n\n".join(block.text for block in blocks if block.text)
    content.files = [_file(part, content) for part in files]
    return content


def _blocks(part: Part, content: Content, files: list[Part]) -> list[_Block]:
    if part.defects:
        content.flags.add("malformed")
    if part.is_multipart():
        if (part.epilogue or "").strip():
            content.flags.add("text-outside-parts")  # some programs show it; ours do not
        found = [_blocks(child, content, files) for child in children(part)]
        if part.media_type == "multipart/alternative":
            return _chosen(found)
        return [block for blocks in found for block in blocks]
    if part.media_type.startswith("multipart/") and not part.defects:
        return []
    if _is_text(part):
        return [_block(part, content)]
    files.append(part)
    return []


def _chosen(alternatives: list[list[_Block]]) -> list[_Block]:
    """Return the first alternative that is plain text and not empty, else the last that says anything."""
    plain = (blocks for blocks in alternatives if not any(block.is_html for block in blocks))
    best_first = chain(plain, reversed(alternatives))
    return next((blocks for blocks in best_first if any(block.text for block in blocks)), [])


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
    inline = part.field("content-disposition")[0] == "inline" or identifier in {name.lower() for name in content.shown}
    name = safe_filename(given) if given else _ENDINGS.get(kind, "unnamed")
    return MailFile(name, kind, raw, inline)
