"""What is compared of an interaction, spelled alike whether a document or a row says it."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Literal

from shared.models.documents import iso
from shared.stores.postgres import Row
from shared.sync.changes import Change

Kind = Literal[
    "missing_row",
    "absent_in_cosmos",
    "another_project",
    "deleted_on_one_side",
    "older_version",
    "other_content",
    "other_metadata",
    "other_fields",
]

EXACT = 2**53  # beyond it neither store tells whole numbers apart: Cosmos DB keeps doubles
LONGEST_WHOLE = 400  # digits; a double has at most 309


def digest_of_change(change: Change) -> bytes:
    """Return 16 bytes that are the same for a document and a row that agree."""
    read = change.read
    fields = (read.agent_id, read.organization_id, read.type, iso(read.timestamp), read.deleted, read.etag)
    return _digest(fields, content_sha256(change), read.metadata)


def digest_of_row(row: Row) -> bytes:
    """Return the same bytes for a row as `reconcile.sql` selects it: its content's hash, its `metadata` as text."""
    names = ("agent_id", "organization_id", "type", "timestamp", "deleted", "source_etag")
    return _digest([row[name] for name in names], row["content_sha256"], read_metadata(row))


def content_sha256(change: Change) -> str:
    """Return the hash of a document's content, as Postgres makes it of a row's."""
    return hashlib.sha256(change.read.content.encode()).hexdigest()


def read_metadata(row: Row) -> Any:
    """Return the `metadata` of a row. Numbers that no document can hold stay texts."""
    return _DECODER.decode(row["metadata"])


def difference(row: Row | None, change: Change | None, *, owned: bool) -> Kind | None:
    """Return in what a row and the document of its id and contact differ, None when they agree.

    `owned` says whether the document belongs to the row's project. A deleted row agrees with no document at all:
    tombstones expire.
    """
    if row is None:
        return "missing_row" if change and owned else None
    if change is None or not owned:
        if row["deleted"]:
            return None
        return "another_project" if change else "absent_in_cosmos"
    return None if digest_of_row(row) == digest_of_change(change) else _kind(row, change)


def _kind(row: Row, change: Change) -> Kind:
    if row["deleted"] != change.read.deleted:
        return "deleted_on_one_side"
    behind = row["source_ts"] < change.ts or row["source_version"] < change.order
    if behind and row["source_etag"] != change.etag:
        return "older_version"
    if row["content_sha256"] != content_sha256(change):
        return "other_content"
    if _canonical(read_metadata(row)) != _canonical(change.read.metadata):
        return "other_metadata"
    return "other_fields"


def _digest(fields: Iterable[object], content: str, metadata: Any) -> bytes:
    # No text in Postgres holds NUL, so that nothing is told apart by it wrongly.
    said = "\0".join([*map(str, fields), content, _ENCODER.encode(_canonical(metadata))])
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


def _canonical(value: Any) -> Any:
    """Return a JSON value with each number spelled one way: `2.0` is 2, and past 2⁵³ all are doubles."""
    if isinstance(value, dict):
        return {name: _canonical(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return _number(value)


def _number(value: float) -> float | str:
    if abs(value) <= EXACT:
        return int(value) if value == int(value) else value
    try:
        return float(value)
    except OverflowError:
        return str(value)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_WHOLE else digits


# Made once: `json.dumps` and `json.loads` make theirs anew at each call that asks for more than they do by default.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_int=_whole)
