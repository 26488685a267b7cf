"""How much of what was sent and received the log keeps, as each project wants it."""

from typing import Any, Literal

from shared.identifiers import canonical_json, sha256_hex

Keeping = Literal["full", "redacted", "hashed", "none"]
Payload = dict[str, Any]

# Names and settings of ours or the server's; every other text may be the customer's, or quote him.
_OURS = {"task", "model", "prompt_version", "id", "status", "cut_off_by", "sent_at"}
# The same for every call of a prompt's version, and long.
_STANDING = {"instructions", "answer_schema"}


def kept(keeping: Keeping, payload: Payload) -> Payload | None:
    """Return what the log holds of a payload, None for nothing.

    `redacted` keeps names, numbers and our own words, and tells only the length of every other text. `hashed` keeps
    the SHA-256 of the whole, to prove later what it was.
    """
    if keeping == "full":
        return payload
    if keeping == "redacted":
        told = {name: value for name, value in payload.items() if name not in _STANDING}
        return {name: value if name in _OURS else _redacted(value) for name, value in told.items()}
    return {"sha256": sha256_hex(canonical_json(payload))} if keeping == "hashed" else None


def _redacted(value: Any) -> Any:  # any JSON value
    if isinstance(value, str):
        return f"[{len(value)} characters]"
    if isinstance(value, list):
        return [_redacted(each) for each in value]
    if isinstance(value, dict):
        return {name: _redacted(each) for name, each in value.items()}
    return value
