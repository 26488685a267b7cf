import pytest

from local.host.configuration import Endpoint, check_connection, connection
from shared.errors import Misconfigured


def test_an_identity_enters_where_no_connection_string_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Store__queueServiceUri", "https://store.example.com")
    monkeypatch.setenv("Store__clientId", "app")
    check_connection("Store")
    assert connection("Store", "queueServiceUri") == Endpoint("https://store.example.com", "app")


def test_a_connection_string_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Store", "UseDevelopmentStorage=true")
    monkeypatch.setenv("Store__queueServiceUri", "https://store.example.com")
    assert connection("Store", "queueServiceUri") == "UseDevelopmentStorage=true"


def test_without_either_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Store__queueServiceUri", "")
    for ask in (check_connection, lambda name: connection(name, "queueServiceUri")):
        with pytest.raises(Misconfigured, match="Store"):
            ask("Store")
