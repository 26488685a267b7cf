"""The keys of secrets at rest on a deployed hub: made here, wrapped by Key Vault, kept in a blob."""

import secrets
from datetime import UTC, datetime

from shared.errors import Transient
from shared.models.work import BlobContainer
from shared.services import Services
from shared.stores.vault import KEY_BYTES
from shared.stores.wrapped_keys import NAME, KeyRing, KeyVault, WrappedKey, read_ring


async def make_first_key(hub: Services) -> bool:
    """Write the blob of wrapped keys with a first key unless it is there; says whether it was written."""
    ring = KeyRing(keys=[await _new_key(hub)])
    return await hub.blobs.put_new(
        BlobContainer.SOURCES, NAME, _written(ring), content_type="application/json", metadata={}
    )


async def rotate(hub: Services) -> str:
    """Put a new key before the others and return its id: what is sealed from now on is sealed with it."""
    older = await read_ring(hub.blobs)
    key = await _new_key(hub)
    if key.id in {each.id for each in older}:
        raise Transient("keys are named by the second: try again")
    ring = KeyRing(keys=[key, *older])
    await hub.blobs.put(BlobContainer.SOURCES, NAME, _written(ring), content_type="application/json")
    return key.id


async def _new_key(hub: Services) -> WrappedKey:
    uri = hub.settings.secret_keys_wrapped_by or ""
    name = f"{datetime.now(UTC):%Y%m%d%H%M%S}"
    return await KeyVault(uri, hub.settings.identity_client_id).wrap(name, secrets.token_bytes(KEY_BYTES))


def _written(ring: KeyRing) -> bytes:
    return ring.model_dump_json(by_alias=True).encode()
