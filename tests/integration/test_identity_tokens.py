"""The app's identity: one a process, whose tokens are kept until they end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.stores.credentials import close_identities, identity
from shared.stores.postgres_login import login
from tests.integration.azure_front import CLIENT_ID, HEADER, KEY_VAULT, POSTGRES, STORAGE, Front, token_for


@pytest.fixture
async def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    """A managed identity as App Service has it."""
    serving = Front(tmp_path)
    await serving.start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", await serving.identity())
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    await close_identities()
    yield serving
    await close_identities()
    await serving.stop()


async def test_connections_of_postgres_share_a_token_while_it_is_good(front: Front) -> None:
    entered = [await login("host=db user=hub_app", CLIENT_ID) for _ in range(20)]
    assert {each["password"] for each in entered} == {token_for(POSTGRES)}
    assert front.asked == {POSTGRES: 1}


async def test_each_service_has_a_token_of_its_own_and_asks_for_it_once(front: Front) -> None:
    services = (STORAGE, POSTGRES, KEY_VAULT)
    for _ in range(5):
        for service in services:
            assert (await identity(CLIENT_ID).get_token(f"{service}/.default")).token == token_for(service)
    assert front.asked == dict.fromkeys(services, 1)


async def test_an_identity_that_was_closed_is_made_anew(front: Front) -> None:
    before = identity(CLIENT_ID)
    assert identity(CLIENT_ID) is before
    await close_identities()
    assert identity(CLIENT_ID) is not before
