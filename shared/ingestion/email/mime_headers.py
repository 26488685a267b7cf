"""The header of a mail, read with caps and before anything else of it is looked at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shared.ingestion.email.mime_words import text_of, words

MAX_HEADER_BYTES = 128 * 1024
MAX_FIELD_BYTES = 16 * 1024
MAX_FIELDS = 500
MAX_ID_CHARACTERS = 998  # a line of RFC 5322
MAX_REFERENCES = 100

# As the standard library does, or the two would see different mails: a name may be missing.
_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]*+):")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_ID = re.compile(r"<([^<>\s]{1,996})>")


@dataclass(frozen=True, slots=True)
class Header:
    """Fields in their order, values unfolded and cut at 16 KiB; `over` says which cap the whole of it passes."""

    fields: tuple[tuple[str, bytes], ...]
    size_bytes: int
    over: str | None
    cut: bool

    def all(self, name: str) -> list[bytes]:
        """Return the values of every field of a name, given in lower case."""
        return [value for field, value in self.fields if field == name]

    def first(self, name: str) -> bytes:
        """Return the value of the first field of a name, empty without one."""
        return next((value for field, value in self.fields if field == name), b"")

    def text(self, name: str) -> tuple[str, set[str]]:
        """Return the first field of a name decoded, on one line, with flags."""
        text, flags = text_of(self.first(name))
        read, more = words(text)
        return read, flags | more

    @property
    def is_mail(self) -> bool:
        """Whether there is a field at all that a mail could have."""
        return any(_NAME.fullmatch(name) for name, _ in self.fields)

    @property
    def message_id(self) -> str | None:
        """The Message-ID with its brackets, at most 998 characters."""
        return next(iter(ids(self.first("message-id"))), None)

    @property
    def references(self) -> list[str]:
        """The thread before this mail, its first mail first: at most 100 ids, of which the first is kept always."""
        found = list(dict.fromkeys(ids(self.first("references")) + ids(self.first("in-reply-to"))))
        return found if len(found) <= MAX_REFERENCES else [found[0], *found[1 - MAX_REFERENCES :]]


def start_of_mail(raw: bytes) -> int:
    """Return where the header begins: after a byte order mark, blank lines (1 KiB) and a quoted envelope line."""
    first = raw[:1024]
    begin = len(first) - len(first.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"))
    return raw.find(b"\n", begin, begin + 1024) + 1 or begin if raw.startswith(b">From ", begin) else begin


def read_header(raw: bytes) -> Header:
    """Return the header of a mail, reading no more than 128 KiB of it."""
    begin = start_of_mail(raw)
    block = raw[begin : begin + MAX_HEADER_BYTES + 1]
    fields: list[tuple[str, list[bytes]]] = []
    size, over = 0, None
    for line in block.splitlines(keepends=True):
        if not _take(line, fields):
            break
        size += len(line)
        if size > MAX_HEADER_BYTES or len(fields) > MAX_FIELDS:
            over = (
                f"more than {MAX_FIELDS} header fields" if len(fields) > MAX_FIELDS else "more than 128 KiB of header"
            )
            break
    whole = [(name, b" ".join(lines)) for name, lines in fields]
    cut = any(len(value) > MAX_FIELD_BYTES for _, value in whole)
    return Header(tuple((name, value[:MAX_FIELD_BYTES]) for name, value in whole), size, over, cut)


def _take(line: bytes, fields: list[tuple[str, list[bytes]]]) -> bool:
    """Add a line to the fields; False for one that is of no header, and so ends it."""
    text = line.strip(b"\r\n")
    if text.startswith(b"From "):
        return True  # the envelope line that a mailbox file puts before each mail
    if text.startswith((b" ", b"\t")):
        if fields:
            fields[-1][1].append(text.strip())
        return True
    found = _FIELD.match(text)
    if found is None:
        return False
    fields.append((found[1].decode("ascii").lower(), [text[found.end() :].strip()]))
    return True


def ids(value: bytes) -> list[str]:
    """Return the message ids of a field; one without its brackets gets them, when it is alone."""
    text, _ = text_of(value)
    found = [f"<{each}>" for each in _ID.findall(text)]
    if found:
        return found
    alone = text.strip().strip("<>")
    return [f"<{alone[: MAX_ID_CHARACTERS - 2]}>"] if alone and not re.search(r"\s", alone) else []


def flags_of(header: Header, names: Iterable[str]) -> set[str]:
    """Return the flags of fields that may be there once and are there more often, and of a cut one."""
    repeated = {f"{name}-repeated" for name in names if len(header.all(name)) > 1}
    return repeated | ({"header-cut"} if header.cut else set())
