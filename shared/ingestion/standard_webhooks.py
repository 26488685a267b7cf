"""Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, several secrets may be live."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime

from shared.errors import Rejected

TOLERANCE_SECONDS = 300  # the specification's advice, both ways
MIN_KEY_BYTES = 24  # the specification's least; what is shorter, or no base64, is a live secret of nobody


def verify(headers: Mapping[str, str], raw: bytes, secrets: tuple[str, ...], now: datetime) -> None:
    """Return if one live secret signed exactly these bytes lately. Raises Rejected 401, whatever is wrong."""
    identifier = _header(headers, "webhook-id")
    timestamp = _header(headers, "webhook-timestamp")
    signatures = _header(headers, "webhook-signature")
    if not identifier.isprintable() or not identifier.isascii() or "." in identifier or len(identifier) > 255:
        raise Rejected(401, "webhook-id must be 1 to 255 printable ASCII characters without a dot", field="webhook-id")
    if not timestamp.isdecimal() or not timestamp.isascii() or len(timestamp) > 12:
        raise Rejected(401, "webhook-timestamp must be seconds since 1970", field="webhook-timestamp")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise Rejected(401, "webhook-timestamp is more than 5 minutes away", field="webhook-timestamp")
    signed = f"{identifier}.{timestamp}.".encode() + raw
    offered = [
        value for version, _, value in (part.partition(",") for part in signatures.split(" ")) if version == "v1"
    ]
    # One hash a secret, however many signatures a hostile header offers; every pair is compared, so that the time
    # taken does not tell which secret matched.
    expected = [sign(secret, signed) for secret in secrets if len(_key(secret)) >= MIN_KEY_BYTES]
    matches = [hmac.compare_digest(one, value.encode()) for one in expected for value in offered]
    if not any(matches):
        raise Rejected(401, "no signature in webhook-signature matches", field="webhook-signature")


def sign(secret: str, signed: bytes) -> bytes:
    """Return the base64 HMAC-SHA256 of `signed` under a `whsec_…` secret."""
    return b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest())


def _key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise Rejected(401, f"the header {name} is missing", field=name)
    return value
