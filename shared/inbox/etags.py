"""Entity tags of interactions: which version of the shared fields somebody has seen (RFC 9110 §8.8.3, §13.1.1)."""

import re
from dataclasses import dataclass

from shared.errors import Rejected
from shared.identifiers import sha256_hex

_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")


def etag_of(source_etag: str | None) -> str | None:
    """Return the entity tag, quotes included, of what came with a document's `_etag`.

    None while Cosmos DB has not confirmed the interaction. It moves with every write of the document, also with that
    of its embedding and tags; analysis and attachments, which only Postgres has, do not move it.
    """
    return None if source_etag is None else f'"{sha256_hex(source_etag.encode())[:32]}"'


@dataclass(frozen=True, slots=True)
class IfMatch:
    """What a caller has seen: entity tags, or None for `*`, whatever there is."""

    tags: frozenset[str] | None

    def check(self, etag: str) -> None:
        """Raise Rejected 412 unless this is what was seen."""
        if self.tags is not None and etag not in self.tags:
            raise Rejected(412, "it has changed since; read it again, then correct that", field="If-Match")


def read_if_match(header: str | None) -> IfMatch:
    """Return the condition of an `If-Match` header. Raises Rejected 428 without one, 400 when it is none.

    The comparison is strong: a weak tag (`W/"…"`) is read, and matches nothing.
    """
    if header is None:
        raise Rejected(428, "If-Match must name the ETag of what is corrected", field="If-Match")
    text = header.strip()
    if text == "*":
        return IfMatch(None)
    if not _TAGS.fullmatch(text):
        raise Rejected(400, 'If-Match must be entity tags in quotes, such as "0a1b", or *', field="If-Match")
    return IfMatch(frozenset(re.findall(_TAG, text)))
