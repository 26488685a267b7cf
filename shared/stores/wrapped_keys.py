"""The keys of secrets at rest, wrapped by a key that never leaves Key Vault: a blob holds them, nobody else.

The blob `keys.json` beside the published sources lists them, the sealing one first. Each names the version of the
key that wrapped it, so that a rotated key still unwraps what came before.
"""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from shared.errors import Misconfigured, Transient
from shared.models.work import BlobContainer
from shared.stores.blobs import Blobs
from shared.stores.credentials import identity
from shared.stores.vault import KEY_BYTES, Vault

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest

NAME = "keys.json"
SCOPE = "https://vault.azure.net/.default"
ALGORITHM = "RSA-OAEP-256"
API = "7.4"
LOOK_AGAIN_SECONDS = 60  # for a key that is not known: a rotation is seen without a restart, a flood asks nobody


class WrappedKey(BaseModel):
    """One key: its id, the key version that wrapped it, and the wrapped bytes in unpadded base64url."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    id: str
    wrapped_by: str
    wrapped: str


class KeyRing(BaseModel):
    """What the blob holds; the first key seals, all open."""

    model_config = ConfigDict(frozen=True)

    keys: list[WrappedKey]


@dataclass(frozen=True, slots=True)
class KeyVault:
    """A key in Key Vault, by its URI without a version. What time may cure is raised as Transient."""

    uri: str
    client_id: str | None

    async def wrap(self, key_id: str, raw: bytes) -> WrappedKey:
        """Wrap a key with the newest version."""
        answer = await self._ask(f"{self.uri}/wrapkey", raw)
        return WrappedKey(id=key_id, wrapped_by=answer["kid"], wrapped=answer["value"])

    async def unwrap(self, key: WrappedKey) -> bytes:
        """Unwrap a key. Raises Misconfigured for one that another key wrapped: no token goes elsewhere."""
        if not key.wrapped_by.startswith(f"{self.uri}/"):
            raise Misconfigured(f"SECRET_KEYS_WRAPPED_BY: key {key.id!r} was wrapped by another key")
        answer = await self._ask(f"{key.wrapped_by}/unwrapkey", _decode(key.wrapped))
        return _decode(answer["value"])

    async def _ask(self, url: str, value: bytes) -> dict[str, Any]:
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        body = {"alg": ALGORITHM, "value": _encode(value)}
        try:
            return await self._send(HttpRequest("POST", url, params={"api-version": API}, json=body))
        except AzureError as error:
            raise Transient(f"Key Vault: {type(error).__name__}") from error

    async def _send(self, request: "HttpRequest") -> dict[str, Any]:
        from azure.core import AsyncPipelineClient
        from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy

        login = AsyncBearerTokenCredentialPolicy(identity(self.client_id), SCOPE)
        client: AsyncPipelineClient[Any, Any] = AsyncPipelineClient(base_url=self.uri, policies=[login])
        async with client:
            response = await client.send_request(request)
            response.raise_for_status()
            return dict(response.json())


class WrappedVault(Vault):
    """A vault whose keys are unwrapped when they are first needed, once a process."""

    def __init__(self, blobs: Blobs, key_vault: KeyVault) -> None:
        self._keys: dict[str, bytes] = {}
        self._blobs = blobs
        self._key_vault = key_vault
        self._looked = float("-inf")

    async def ready(self, sealed: str | None = None) -> None:
        """Have the keys that `sealed` needs. Raises Transient while Blob Storage or Key Vault is away."""
        wanted = sealed.split(".")[1] if sealed and sealed.count(".") == 3 else None
        known = bool(self._keys) if wanted is None else wanted in self._keys
        if known or (self._keys and time.monotonic() - self._looked < LOOK_AGAIN_SECONDS):
            return
        self._keys = {key.id: await self._unwrapped(key) for key in await read_ring(self._blobs)}
        self._looked = time.monotonic()

    async def _unwrapped(self, key: WrappedKey) -> bytes:
        raw = await self._key_vault.unwrap(key)
        if len(raw) != KEY_BYTES:
            raise Misconfigured(f"{NAME}: key {key.id!r} has not {KEY_BYTES} bytes")
        return raw


async def read_ring(blobs: Blobs) -> list[WrappedKey]:
    """Return the wrapped keys. Raises Transient when there is none yet, or when the blob can't be read."""
    blob = await blobs.get(BlobContainer.SOURCES, NAME)
    if blob is None:
        raise Transient(f"there is no blob {BlobContainer.SOURCES.value}/{NAME}: the deployment's hook writes it")
    try:
        return KeyRing.model_validate_json(blob.raw).keys
    except ValidationError as error:
        raise Transient(f"the blob {NAME} can't be read") from error


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
