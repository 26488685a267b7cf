import json
import os

import pytest
from pydantic import TypeAdapter

from local.checkout import CHECKOUT
from local.host.configuration import load_settings
from shared.errors import Misconfigured
from shared.settings import Settings, read_settings
from shared.stores.vault import Vault

EXAMPLE = CHECKOUT / "local.settings.json.example"
OF_THE_HOST = ["AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"]
NAMES = [field.alias or "" for field in Settings.model_fields.values()]
REQUIRED = [field.alias or "" for field in Settings.model_fields.values() if field.is_required()]


@pytest.fixture
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any setting of the app."""
    for name in [*NAMES, *OF_THE_HOST]:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_example_names_every_setting_in_the_order_of_the_settings_class() -> None:
    assert list(load_settings(EXAMPLE)) == [*OF_THE_HOST, *NAMES]


def test_the_example_is_readable_as_it_stands(empty_environment: pytest.MonkeyPatch) -> None:
    for name, value in load_settings(EXAMPLE).items():
        empty_environment.setenv(name, value)
    settings = read_settings()
    assert settings.secret_keys
    sealed = Vault(settings.secret_keys).seal("text", bound_to="example")
    assert settings.storage == "UseDevelopmentStorage=true"
    assert sealed.startswith("v1.example.")


def test_the_example_shows_the_defaults_of_the_code() -> None:
    values = load_settings(EXAMPLE)
    given = {
        field.alias: field.default
        for field in Settings.model_fields.values()
        if field.alias and not field.is_required() and field.default is not None
    }
    assert {name: TypeAdapter(type(default)).validate_python(values[name]) for name, default in given.items()} == given


def test_an_empty_environment_names_every_missing_setting_in_one_error(
    empty_environment: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Misconfigured) as refused:
        read_settings()
    told = str(refused.value)
    assert [name for name in REQUIRED if f"{name}: " not in told] == []
    assert "\n" not in told


def test_a_store_that_no_setting_reaches_is_named(empty_environment: pytest.MonkeyPatch) -> None:
    for name in REQUIRED:
        empty_environment.setenv(name, "x")
    with pytest.raises(Misconfigured, match=r"HubStorage .*; HubCosmos "):
        read_settings()


def test_an_error_about_settings_never_shows_a_value(empty_environment: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        empty_environment.setenv(name, "hunter2")
    with pytest.raises(Misconfigured) as refused:
        read_settings()
    assert "POSTGRES_POOL_SIZE" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__
    assert "hunter2" in os.environ["SECRET_KEYS"]


def test_settings_do_not_show_their_keys(empty_environment: pytest.MonkeyPatch) -> None:
    values = json.loads(EXAMPLE.read_text())["Values"]
    for name, value in values.items():
        empty_environment.setenv(name, value)
    assert values["SECRET_KEYS"] not in repr(read_settings())
