"""Secrets at rest."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Misconfigured, Transient
from shared.stores.vault import Vault

OLD, NEW = (f"{name}:{base64.b64encode(bytes([at]) * 32).decode()}" for at, name in enumerate(("old", "new")))


@given(st.text(), st.text())
def test_what_is_sealed_opens(secret: str, bound_to: str) -> None:
    vault = Vault(OLD)
    assert vault.open(vault.seal(secret, bound_to=bound_to), bound_to=bound_to) == secret


def test_the_secret_is_not_in_what_is_sealed_and_no_two_are_alike() -> None:
    vault = Vault(OLD)
    one, two = (vault.seal("whsec_hello", bound_to="a") for _ in range(2))
    assert "hello" not in one
    assert one != two


def test_a_sealed_text_opens_only_for_what_it_is_bound_to() -> None:
    vault = Vault(OLD)
    sealed = vault.seal("secret", bound_to="project/source")
    with pytest.raises(Transient):
        vault.open(sealed, bound_to="project/another")


def test_a_key_is_rotated_by_putting_a_new_one_first() -> None:
    sealed = Vault(OLD).seal("secret", bound_to="a")
    rotated = Vault(f"{NEW},{OLD}")
    assert rotated.open(sealed, bound_to="a") == "secret"
    assert rotated.seal("secret", bound_to="a").startswith("v1.new.")
    with pytest.raises(Transient, match="no key 'old'"):
        Vault(NEW).open(sealed, bound_to="a")


@given(st.integers(0), st.integers(1, 255))
def test_a_sealed_text_that_was_changed_does_not_open(place: int, flip: int) -> None:
    vault = Vault(OLD)
    sealed = vault.seal("secret", bound_to="a")
    head, _, cipher = sealed.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(cipher + "=" * (-len(cipher) % 4)))
    raw[place % len(raw)] ^= flip
    changed = f"{head}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"
    with pytest.raises(Transient):
        vault.open(changed, bound_to="a")


@pytest.mark.parametrize(
    "sealed", ["", "v1", "v1.old.x", "v1.old..", "v2.old.a.b", "v1.old.ü.ü", "v1.old.a.b.c", "...."]
)
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(Transient):
        Vault(OLD).open(sealed, bound_to="a")


@pytest.mark.parametrize("keys", ["", " , ", "no-colon", ":AAAA", "a:AAAA", "a:not base64!", OLD.removeprefix("old")])
def test_a_key_that_is_none_is_named_at_start_and_not_shown(keys: str) -> None:
    with pytest.raises(Misconfigured, match=r"^SECRET_KEYS: ") as raised:
        Vault(keys)
    assert "AAAA" not in str(raised.value)
