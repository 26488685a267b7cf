"""Versions of the interaction document's schema, and how an older one is read (docs/data-contract.md).

`schemaVersion` counts shapes of the document; `version` orders the writes of one document. A change that code of
today would misread gets a new number, a step here and golden files in tests/fixtures/documents.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.errors import Permanent

CURRENT = 2


def _with_hub_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """1 is the contract's own document: without `deleted`, its writers spell an empty field as null or leave it out."""
    empty = {"content": "", "metadata": {}, "deleted": False}
    return {**document, **{name: value for name, value in empty.items() if document.get(name) is None}}


# From a version to the one after it. A step only fills and renames: it must not look at any other document.
STEPS: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _with_hub_fields}


def current_form(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document in the current schema version; one without `schemaVersion` is of version 1.

    Raises Permanent for a version that this code does not know: half of it applied would be a loss nobody sees. Its
    dead letter is replayed once the hub knows it.
    """
    version = document.get("schemaVersion")
    if version == CURRENT:
        return document
    if version is None:
        version = 1
    if type(version) is not int or version < 1:
        raise Permanent("schemaVersion: must be a whole number from 1")
    if version > CURRENT:
        raise Permanent(f"schemaVersion: newer than {CURRENT}, the newest that is known; upgrade the hub, then replay")
    for step in range(version, CURRENT):
        document = STEPS[step](document)
    return {**document, "schemaVersion": CURRENT}
