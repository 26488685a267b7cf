"""Keys of secrets at rest that Key Vault wraps."""

import base64
import json
from typing import Any

import pytest

from shared.errors import Misconfigured, Transient
from shared.models.work import BlobContainer
from shared.stores.blobs import StoredBlob
from shared.stores.vault import Vault
from shared.stores.wrapped_keys import LOOK_AGAIN_SECONDS, NAME, KeyRing, KeyVault, WrappedKey, WrappedVault

URI = "https://vault.example.com/keys/source-secrets"
RAW = {"one": b"1" * 32, "two": b"2" * 32}


def plain(*names: str) -> Vault:
    return Vault(",".join(f"{name}:{base64.b64encode(RAW[name]).decode()}" for name in names))


class Blob:
    """The blob of wrapped keys."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.raw: bytes | None = None

    async def get(self, container: BlobContainer, name: str) -> StoredBlob | None:
        assert (container, name) == (BlobContainer.SOURCES, NAME)
        if self.raw is None and not self.names:
            return None
        keys = [WrappedKey(id=each, wrapped_by=f"{URI}/v1", wrapped=each) for each in self.names]
        return StoredBlob(self.raw or KeyRing(keys=keys).model_dump_json(by_alias=True).encode(), "", {})


class Wrapper:
    """Key Vault, which knows the keys by their ids."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False

    async def unwrap(self, key: WrappedKey) -> bytes:
        self.asked.append(key.id)
        if self.away:
            raise Transient("Key Vault: away")
        return RAW[key.id]


def vault_of(blob: Blob, wrapper: Wrapper) -> WrappedVault:
    return WrappedVault(blob, wrapper)  # type: ignore[arg-type] # the two calls of each that it makes


async def test_what_was_sealed_with_the_plain_key_opens_with_the_wrapped_one() -> None:
    sealed, wrapper = plain("one").seal("secret", bound_to="a"), Wrapper()
    vault = vault_of(Blob("one"), wrapper)
    await vault.ready(sealed)
    assert vault.open(sealed, bound_to="a") == "secret"
    assert wrapper.asked == ["one"]


async def test_key_vault_is_asked_once_a_process() -> None:
    sealed, wrapper = plain("one").seal("secret", bound_to="a"), Wrapper()
    vault = vault_of(Blob("one"), wrapper)
    for _ in range(5):
        await vault.ready(sealed)
    assert wrapper.asked == ["one"]


async def test_the_first_key_seals() -> None:
    vault = vault_of(Blob("two", "one"), Wrapper())
    await vault.ready()
    assert vault.seal("secret", bound_to="a").startswith("v1.two.")


async def test_a_key_that_came_later_is_found_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    blob, wrapper = Blob("one"), Wrapper()
    vault = vault_of(blob, wrapper)
    await vault.ready()
    blob.names = ("two", "one")
    newer = plain("two").seal("secret", bound_to="a")
    await vault.ready(newer)
    assert wrapper.asked == ["one"]
    monkeypatch.setattr(vault, "_looked", vault._looked - LOOK_AGAIN_SECONDS)
    await vault.ready(newer)
    assert vault.open(newer, bound_to="a") == "secret"


async def test_with_key_vault_away_nothing_opens_until_it_is_back() -> None:
    sealed, wrapper = plain("one").seal("secret", bound_to="a"), Wrapper()
    vault, wrapper.away = vault_of(Blob("one"), wrapper), True
    with pytest.raises(Transient):
        await vault.ready(sealed)
    wrapper.away = False
    await vault.ready(sealed)
    assert vault.open(sealed, bound_to="a") == "secret"


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"keys": [{"id": "one"}]}'])
async def test_a_blob_that_holds_no_keys_is_transient(raw: bytes) -> None:
    blob = Blob("one")
    blob.raw = raw or b"{"
    with pytest.raises(Transient, match="can't be read"):
        await vault_of(blob, Wrapper()).ready()


async def test_without_a_blob_the_error_says_who_writes_it() -> None:
    with pytest.raises(Transient, match="hook"):
        await vault_of(Blob(), Wrapper()).ready()


async def test_a_key_of_another_length_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RAW, "one", b"short")
    with pytest.raises(Misconfigured, match="32 bytes"):
        await vault_of(Blob("one"), Wrapper()).ready()


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/keys/k/v1", f"{URI}-of-another/v1", URI])
async def test_no_token_is_sent_to_a_key_that_the_settings_do_not_name(
    elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(KeyVault, "_send", lambda _, request: sent.append(request))
    with pytest.raises(Misconfigured, match="another key"):
        await KeyVault(URI, None).unwrap(WrappedKey(id="one", wrapped_by=elsewhere, wrapped=""))
    assert sent == []


async def test_a_key_that_was_wrapped_is_unwrapped_by_the_version_that_wrapped_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    async def send(_: KeyVault, request: Any) -> dict[str, str]:
        asked.append((request.url, json.loads(request.content)))
        return {"kid": f"{URI}/v7", "value": json.loads(request.content)["value"]}

    monkeypatch.setattr(KeyVault, "_send", send)
    wrapped = await KeyVault(URI, None).wrap("one", RAW["one"])
    assert await KeyVault(URI, None).unwrap(wrapped) == RAW["one"]
    assert [url for url, _ in asked] == [f"{URI}/wrapkey?api-version=7.4", f"{URI}/v7/unwrapkey?api-version=7.4"]
    assert {body["alg"] for _, body in asked} == {"RSA-OAEP-256"}
