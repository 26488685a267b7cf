"""Secrets at rest: AES-256-GCM under one of several keys, bound to what they belong to.

A sealed text is `v1.<key id>.<nonce>.<ciphertext>`, the last two in unpadded base64url. The associated data is not
stored: opening needs the same one, so a sealed text copied to another project or source does not open.
"""

import os
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode

from shared.errors import Misconfigured, Transient

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D: 96-bit nonces, random, far below 2^32 uses a key


class Vault:
    """Seals and opens small secrets. `keys` is `id:base64,…`; the first seals, all open."""

    def __init__(self, keys: str) -> None:
        self._keys = dict(_key(entry) for entry in keys.split(",") if entry.strip())
        if not self._keys:
            raise Misconfigured("SECRET_KEYS: holds no key; write `id:base64 of 32 bytes`")

    async def ready(self, sealed: str | None = None) -> None:
        """Have the keys that `sealed` needs, or those there are: at once, where the settings hold them."""

    def seal(self, secret: str, *, bound_to: str) -> str:
        """Return `secret` sealed under the current key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key_id, key = next(iter(self._keys.items()))
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = AESGCM(key).encrypt(nonce, secret.encode(), bound_to.encode())
        return f"v1.{key_id}.{_encode(nonce)}.{_encode(ciphertext)}"

    def open(self, sealed: str, *, bound_to: str) -> str:
        """Return the secret. Raises Transient when it does not open: a key or a source's blob is to be put right."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            version, key_id, nonce, ciphertext = sealed.split(".")
            if version != "v1":
                raise Transient(f"a sealed secret has the unknown version {version!r}")
            return AESGCM(self._keys[key_id]).decrypt(_decode(nonce), _decode(ciphertext), bound_to.encode()).decode()
        except KeyError as error:
            raise Transient(f"no key {error} in SECRET_KEYS") from None
        except (InvalidTag, ValueError):
            raise Transient("a sealed secret does not open: damaged, or not of this project and source") from None


def _key(entry: str) -> tuple[str, bytes]:
    key_id, _, text = entry.strip().partition(":")
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if not key_id or len(key) != KEY_BYTES:
        raise Misconfigured(f"SECRET_KEYS: key {key_id!r} is not base64 of 32 bytes")
    return key_id, key


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
