"""Documents that break the contract: what is wrong, and what the reason must name. Cosmos DB checks none of it."""

from typing import Any

from shared.models.text import MAX_DEPTH


def nested(depth: int) -> dict[str, Any]:
    """Return an object nested so deep."""
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


POISON: dict[str, tuple[dict[str, Any], str]] = {
    "id is no UUID": ({"id": "not-a-uuid"}, "id: "),
    "id is upper case": ({"id": "A0000000-0000-4000-8000-000000000001"}, "id, contactId: "),
    "id holds NUL": ({"id": "\0"}, "id: "),
    "id is longer than any index takes": ({"id": "x" * 9000}, "id: "),
    "contact is no UUID": ({"contactId": "ada@example.com"}, "contactId: "),
    "contact is missing": ({"contactId": None}, "contactId: "),
    "agent is no UUID": ({"agentId": "robin"}, "agentId: "),
    "organization is no UUID": ({"organizationId": "acme"}, "organizationId: "),
    "project is no UUID": ({"projectId": "demo"}, "projectId: "),
    "type is missing": ({"type": None}, "type: "),
    "type is too long": ({"type": "x" * 51}, "type: "),
    "type is a number": ({"type": 5}, "type: "),
    "NUL in type": ({"type": "a\0"}, "type: "),
    "NUL in content": ({"content": "a\0b"}, "content: "),
    "content is a number": ({"content": 5}, "content: "),
    "content is huge": ({"content": "x" * 1_000_001}, "content: "),
    "lone surrogate in content": ({"content": "\ud800"}, "content: "),
    "NUL in a metadata key": ({"metadata": {"a\0": 1}}, "metadata: "),
    "NUL in a metadata value": ({"metadata": {"a": ["\0"]}}, "metadata: "),
    "lone surrogate in a metadata key": ({"metadata": {"\udfff": 1}}, "metadata: "),
    "lone surrogate in a metadata value": ({"metadata": {"a": "\ud800"}}, "metadata: "),
    "NaN": ({"metadata": {"a": float("nan")}}, "metadata: "),
    "infinity": ({"metadata": {"a": [float("-inf")]}}, "metadata: "),
    "an integer of 5000 digits": ({"metadata": {"a": 10**5000}}, "metadata: "),
    "metadata is a list": ({"metadata": []}, "metadata: "),
    "metadata is too deep": ({"metadata": nested(MAX_DEPTH)}, "metadata: "),
    "metadata is absurdly deep": ({"metadata": nested(100_000)}, "metadata: "),
    "timestamp is missing": ({"timestamp": None}, "timestamp: "),
    "timestamp is a number": ({"timestamp": 1716891630}, "timestamp: "),
    "timestamp is a word": ({"timestamp": "yesterday"}, "timestamp: "),
    "timestamp is before the calendar": ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp: "),
    "timestamp is past the calendar": ({"timestamp": "9999-12-31T23:59:59-14:00"}, "timestamp: "),
    "deleted is a word": ({"deleted": "perhaps"}, "deleted: "),
    "version is a text": ({"version": "5"}, "version: "),
    "version is too large": ({"version": 2**63}, "version: "),
    "version is negative": ({"version": -1}, "version: "),
    "version has 5000 digits": ({"version": 10**5000}, "version: "),
    "schema version has 5000 digits": ({"schemaVersion": 10**5000}, "schemaVersion: "),
    "etag is missing": ({"_etag": None}, "_etag: "),
    "etag is too long": ({"_etag": "x" * 201}, "_etag: "),
    "ts is missing": ({"_ts": None}, "_ts: "),
    "ts is NaN": ({"_ts": float("nan")}, "_ts: "),
}
