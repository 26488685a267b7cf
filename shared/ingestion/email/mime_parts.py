"""The tree of a mail, by the standard library's parser under its old policy, with caps while it parses.

The new policy parses every header on sight, and a hostile one takes gigabytes. Type and boundary are read by our own
linear code, and a mail inside a mail is left closed: it is an attachment, not more tree.
"""

import re
from collections.abc import Iterator
from email.feedparser import BytesFeedParser
from email.message import Message
from email.policy import Policy, compat32
from typing import Any

from shared.errors import Permanent
from shared.ingestion.email.mime_headers import MAX_FIELDS
from shared.ingestion.email.mime_parameters import parameters

MAX_PARTS = 200
MAX_DEPTH = 20
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_ENCODINGS = ("", "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "uuencode", "uue", "x-uue")


class Part(Message):
    """A part of a mail."""

    def __init__(self, policy: "Policy[Any]") -> None:
        super().__init__(policy)
        self._read: dict[str, tuple[str, dict[str, str]]] = {}

    def field(self, name: str) -> tuple[str, dict[str, str]]:
        """Return the first field of a name (in lower case) with its parameters, empty without one."""
        if name not in self._read:
            value = next((str(text) for key, text in self.raw_items() if key.lower() == name), "")
            self._read[name] = parameters(value) if value else ("", {})
        return self._read[name]

    @property
    def media_type(self) -> str:
        """The declared type in lower case; `text/plain` without one that can be read, or as the parent says."""
        declared, _ = self.field("content-type")
        if not declared and "content-type" not in self:
            return self.get_default_type()
        return declared if _TYPE.fullmatch(declared) else "text/plain"

    def get_content_type(self) -> str:
        """Return the type as the parser is to see it: a message inside is no tree."""
        return "application/message" if self.media_type.startswith("message/") else self.media_type

    def get_content_maintype(self) -> str:
        """Return the part of the type before the slash, as the parser is to see it."""
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: object = None) -> str | None:  # type: ignore[override]  # noqa: ARG002 # as the parser calls it
        """Return the boundary, None without one."""
        boundary = self.field("content-type")[1].get("boundary", "").rstrip()
        return boundary[:1000] or None

    def set_raw(self, name: str, value: str) -> None:
        """Take a field from the parser. Raises Permanent for one too many."""
        if len(self) >= MAX_FIELDS:
            raise Permanent(f"a part of the mail has more than {MAX_FIELDS} header fields")
        super().set_raw(name, value)

    def content(self) -> tuple[bytes, set[str]]:
        """Return the bytes of a part that has no parts, decoded, with flags for what could not be."""
        encoding = self.field("content-transfer-encoding")[0]
        known = encoding in _ENCODINGS
        del self["content-transfer-encoding"]
        self["Content-Transfer-Encoding"] = encoding if known else "8bit"
        try:
            raw = self.get_payload(decode=True)
        except ValueError:
            raw, known = str(self.get_payload()).encode("utf-8", "surrogateescape"), False
        flags = {"malformed"} if self.defects else set[str]()
        return raw if isinstance(raw, bytes) else b"", flags if known else flags | {"transfer-encoding"}


def parts_of(raw: bytes) -> Part:
    """Return the root of a mail's tree. Raises Permanent: over 200 parts, 20 levels or 500 fields in a part."""
    made = 0

    def part(*, policy: "Policy[Any] | None" = None) -> Part:
        nonlocal made
        made += 1
        if made > MAX_PARTS + 2:  # one is made to try this function, one is the root
            raise Permanent(f"the mail has more than {MAX_PARTS} parts")
        return Part(policy=policy or compat32)

    try:
        parser = BytesFeedParser(part)
        parser.feed(raw)
        root = parser.close()
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as error:
        raise Permanent(f"the mail can't be parsed ({type(error).__name__})") from error
    _check(root, 0)
    return root


def _check(part: Part, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Permanent(f"the mail is nested more than {MAX_DEPTH} deep")
    for child in children(part):
        _check(child, depth + 1)


def children(part: Part) -> Iterator[Part]:
    """Return the parts of a part."""
    payload = part.get_payload() if part.is_multipart() else []
    return (child for child in payload if isinstance(child, Part))
