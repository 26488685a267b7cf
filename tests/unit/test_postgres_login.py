"""Entering Postgres: a token for each connection, or the password of the connection string."""

from dataclasses import dataclass, field

import certifi
import pytest

from shared.stores import postgres_login
from shared.stores.postgres import OPTIONS, Postgres
from shared.stores.postgres_login import SCOPE, login


@dataclass
class Token:
    token: str


@dataclass
class Identity:
    """An identity whose every token is another one."""

    scopes: list[str] = field(default_factory=list)

    async def get_token(self, scope: str) -> Token:
        self.scopes.append(scope)
        return Token(f"token {len(self.scopes)}")


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Identity:
    made = Identity()
    monkeypatch.setattr(postgres_login, "identity", lambda _: made)
    return made


async def test_each_connection_brings_a_token_of_its_own(identity: Identity) -> None:
    postgres = Postgres("host=db user=hub_app", pool_size=2)
    assert [(await postgres._arguments())["password"] for _ in range(2)] == ["token 1", "token 2"]
    assert set(identity.scopes) == {SCOPE}


async def test_a_password_asks_no_identity(identity: Identity) -> None:
    assert await login("host=db user=hub_app password=secret", None) == {}
    assert identity.scopes == []


async def test_a_server_that_has_to_prove_its_name_is_measured_by_public_roots(identity: Identity) -> None:
    assert (await login("host=db user=hub_app sslmode=verify-full", None))["sslrootcert"] == certifi.where()
    named = await login("host=db user=hub_app sslmode=verify-full sslrootcert=/own.pem", None)
    assert "sslrootcert" not in named


async def test_behind_pgbouncer_nothing_is_prepared_and_nothing_is_told_at_the_start(identity: Identity) -> None:
    pooled = await Postgres("host=db", pool_size=2, pooled=True)._arguments()
    direct = await Postgres("host=db", pool_size=2)._arguments()
    assert pooled["prepare_threshold"] is None
    assert "options" not in pooled
    assert direct["options"] == OPTIONS
    assert "prepare_threshold" not in direct
