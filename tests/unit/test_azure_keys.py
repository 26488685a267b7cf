"""The operator's side of wrapped keys: the first one, and the next."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from local.azure import keys
from shared.models.work import BlobContainer
from shared.stores.blobs import StoredBlob
from shared.stores.wrapped_keys import KeyVault, WrappedVault

URI = "https://vault.example.com/keys/source-secrets"


@dataclass
class Blobs:
    """One container, in memory."""

    raw: dict[str, bytes] = field(default_factory=dict)

    async def get(self, _: BlobContainer, name: str) -> StoredBlob | None:
        return StoredBlob(self.raw[name], "", {}) if name in self.raw else None

    async def put_new(self, _: BlobContainer, name: str, raw: bytes, **__: Any) -> bool:
        return self.raw.setdefault(name, raw) is raw

    async def put(self, _: BlobContainer, name: str, raw: bytes, **__: Any) -> None:
        self.raw[name] = raw


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    async def send(_: KeyVault, request: Any) -> dict[str, str]:
        return {"kid": f"{URI}/v1", "value": json.loads(request.content)["value"]}

    monkeypatch.setattr(KeyVault, "_send", send)
    settings = SimpleNamespace(secret_keys_wrapped_by=URI, identity_client_id=None)
    return SimpleNamespace(blobs=Blobs(), settings=settings)


def vault(hub: Any) -> WrappedVault:
    """What an instance has that starts now."""
    return WrappedVault(hub.blobs, KeyVault(URI, None))


async def test_a_second_deployment_leaves_the_first_key_alone(hub: Any) -> None:
    assert await keys.make_first_key(hub)
    before = dict(hub.blobs.raw)
    assert not await keys.make_first_key(hub)
    assert hub.blobs.raw == before


async def test_after_a_rotation_the_new_key_seals_and_the_old_one_opens(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.make_first_key(hub)
    older = vault(hub)
    await older.ready()
    sealed = older.seal("secret", bound_to="a")
    hub.blobs.raw = {name: raw.replace(b'"id":"2', b'"id":"1') for name, raw in hub.blobs.raw.items()}
    newest = await keys.rotate(hub)
    newer = vault(hub)
    await newer.ready()
    assert newer.seal("secret", bound_to="a").split(".")[1] == newest
    assert newer.open(sealed.replace("v1.2", "v1.1"), bound_to="a") == "secret"
