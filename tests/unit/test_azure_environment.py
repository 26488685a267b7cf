"""The deployed hub as its operator reaches it, without Azure."""

import json
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from azure.core.exceptions import ClientAuthenticationError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import OperationalError as MigrationError

from local.azure import environment, package, prepare
from local.azure.environment import WANTED, Deployed, deployed, parsed
from local.checkout import CHECKOUT
from local.commands import azure
from local.infra.check import files
from local.infra.deployment import template
from local.infra.values import Template
from local.trouble import Trouble
from shared.settings import Settings

AZURE_YAML = (CHECKOUT / "azure.yaml").read_text()
VALUES = {name: f"https://{name.lower()}.example.com" for name in WANTED} | {
    "HUB_POSTGRES_HOST": "hub.postgres.example.com",
    "HUB_POSTGRES_DATABASE": "hub",
    "HUB_PRINCIPAL_NAME": "Hub Operators#EXT#",
    "HUB_CONNECTIONS_NEEDED": "732",
    "HUB_CONNECTIONS_ALLOWED": "5000",
}


def test_everything_the_operator_needs_is_an_output_or_was_told_to_azd() -> None:
    outputs = set(files(CHECKOUT / "infra")[0].of("output"))
    parameters = (CHECKOUT / "infra" / "main.parameters.json").read_text()
    assert [name for name in WANTED if name not in outputs and f"${{{name}}}" not in parameters] == []


def test_what_azd_prints_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_KEY_URI", raising=False)
    printed = "".join(f'{name}="{value}"\n' for name, value in VALUES.items())
    monkeypatch.setattr(environment, "_azd", lambda *_: printed + 'OTHER="a \\"b\\" = c"\n')
    assert deployed().values == VALUES
    assert parsed('OTHER="a \\"b\\" = c"')["OTHER"] == 'a "b" = c'


def test_in_a_hook_the_environment_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    assert deployed().values == VALUES


def test_what_azd_does_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB_KEY_URI", raising=False)
    monkeypatch.setattr(environment, "_azd", lambda *_: "")
    with pytest.raises(Trouble, match="HUB_KEY_URI"):
        deployed()


def test_the_operator_works_with_the_parts_of_the_app_and_no_secret() -> None:
    settings = Settings(**Deployed(VALUES).settings)  # type: ignore[arg-type] # names and texts as in the environment
    entered = conninfo_to_dict(settings.postgres_dsn)
    assert entered["user"] == VALUES["HUB_PRINCIPAL_NAME"]
    assert entered["sslmode"] == "verify-full"
    assert "password" not in entered
    assert settings.secret_keys is None
    assert settings.storage is None


def test_with_more_connections_than_the_database_has_nothing_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(prepare, "prepare_without_passwords", lambda *_, **__: done.append("migrated"))
    tight = Deployed(VALUES | {"HUB_CONNECTIONS_ALLOWED": "731"})
    with pytest.raises(Trouble, match="732 connections"):
        prepare.database(tight)
    assert done == []


def test_the_database_is_migrated_before_the_app_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(Deployed, "admin_dsn", lambda _: "admin")
    monkeypatch.setattr(prepare, "prepare_without_passwords", lambda dsn, database: done.append((dsn, database)))
    monkeypatch.setattr(prepare, "let_in", lambda dsn, principal: done.append((dsn, principal)))
    prepare.database(Deployed(VALUES))
    assert done == [("admin", "hub"), ("admin", VALUES["HUB_APP_PRINCIPAL_ID"])]


@pytest.mark.parametrize(
    ("error", "what", "do"),
    [
        (psycopg.OperationalError("timeout expired\nmore"), "lets nobody in: timeout expired$", "HUB_OPERATOR_IP"),
        (MigrationError("ALTER", None, psycopg.errors.LockNotAvailable("busy")), "gave up: .*busy", "run it again"),
    ],
)
def test_a_database_that_refuses_is_told_with_a_way_out(
    error: Exception, what: str, do: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Deployed, "admin_dsn", lambda _: "admin")
    monkeypatch.setattr(prepare, "prepare_without_passwords", refuse)
    with pytest.raises(Trouble, match=what) as told:
        prepare.database(Deployed(VALUES))
    assert do in told.value.do


def test_without_a_token_it_is_said_how_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise ClientAuthenticationError("no identity here")

    monkeypatch.setattr("azure.identity.DefaultAzureCredential.get_token", refuse)
    with pytest.raises(Trouble, match="no token") as told:
        Deployed(VALUES).admin_dsn()
    assert "az login" in told.value.do


@pytest.mark.parametrize(
    ("account", "found", "kind"),
    [
        ({"type": "user", "name": "ada@example.com"}, {"id": "1", "userPrincipalName": "ada@example.com"}, "User"),
        ({"type": "servicePrincipal", "name": "app"}, {"id": "2", "displayName": "pipeline"}, "ServicePrincipal"),
    ],
)
def test_whoever_is_signed_in_administers_the_database(
    account: dict[str, str], found: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "_az", lambda *said: json.dumps({"user": account} if said[0] == "account" else found))
    name = found.get("userPrincipalName") or found["displayName"]
    assert prepare.who() == {"HUB_PRINCIPAL_ID": found["id"], "HUB_PRINCIPAL_NAME": name, "HUB_PRINCIPAL_TYPE": kind}
    assert kind in str(files(CHECKOUT / "infra")[0].root.text)


def test_an_unknown_step_is_told_the_known_ones() -> None:
    with pytest.raises(Trouble) as told:
        azure.main(["destroy"])
    assert "rotate-key" in told.value.do


def test_the_hooks_do_their_steps_in_order_and_each_exists() -> None:
    done: dict[str, list[str]] = {}
    for hook in (CHECKOUT / "infra" / "hooks").glob("*.sh"):
        done[hook.stem] = [line.split()[2] for line in hook.read_text().splitlines() if line.startswith("./dev azure ")]
        assert "set -eu" in hook.read_text()
        assert f"  {hook.stem}:\n    posix:\n      shell: sh\n      run: infra/hooks/{hook.name}" in AZURE_YAML
    assert done == {"preprovision": ["who"], "postprovision": ["prepare", "package"], "postdeploy": ["health"]}
    assert [step for steps in done.values() for step in steps if step not in azure.USAGE] == []


def test_what_azd_up_deploys_is_the_package_that_the_hook_built() -> None:
    package_of_hook = package.PACKAGE.relative_to(CHECKOUT)
    assert (
        f"  up:\n    steps:\n      - azd: provision\n      - azd: deploy hub --from-package {package_of_hook}"
        in AZURE_YAML
    )
    assert "remoteBuild: false" in AZURE_YAML


def test_before_the_package_come_the_database_and_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(environment, "deployed", lambda: Deployed(VALUES))
    monkeypatch.setattr(prepare, "database", lambda _: done.append("database"))
    monkeypatch.setattr(prepare, "first_key", lambda _: done.append("key"))
    assert azure.main(["prepare"]) == 0
    assert done == ["database", "key"]


@pytest.mark.parametrize(("told", "says"), [({}, list("NIK")), ({"HUB_PRINCIPAL_ID": "a team's"}, [])])
def test_azd_is_told_who_administers_the_database_unless_it_knows(
    told: dict[str, str], says: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[str]] = []
    monkeypatch.delenv("HUB_PRINCIPAL_ID", raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(prepare, "who", lambda: {name: f"value of {name}" for name in "NIK"})
    monkeypatch.setattr("local.commands.azure.subprocess.run", lambda command, **_: said.append(command))
    assert azure.main(["who"]) == 0
    assert said == [["azd", "env", "set", name, f"value of {name}"] for name in says]


def test_the_package_is_the_app_with_nothing_of_its_developers() -> None:
    top = {file.parts[0] for file in package.app_files(CHECKOUT)}
    assert top == {"function_app.py", "functions", "host.json", "requirements.txt", "shared"}


def test_the_package_is_built_by_the_python_that_runs_it() -> None:
    app = files(CHECKOUT / "infra")
    (functions,) = (file for file in app if file.path.stem == "functions")
    runtime = functions.of("resource")["app"].value["properties"]["functionAppConfig"]["runtime"]
    assert runtime == {"name": "python", "version": package.PYTHON}


def test_the_package_holds_bytecode_that_no_time_makes_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(package, "_python", lambda: sys.executable)
    monkeypatch.setattr(package, "_install", lambda *_: None)
    said = package.build(CHECKOUT, tmp_path / "hub.zip")
    with zipfile.ZipFile(tmp_path / "hub.zip") as archive:
        names = archive.namelist()
        compiled = [name for name in names if name.startswith("shared/__pycache__/settings.")]
        flags = int.from_bytes(archive.read(compiled[0])[4:8], "little")
    assert "host.json" in names
    assert flags == 0b01  # PEP 552: by hash, not checked
    assert "MB unpacked" in said


def test_names_of_resources_hold_what_azure_allows() -> None:
    main, *modules = files(CHECKOUT / "infra")
    (stores,) = (file for file in modules if file.path.stem == "stores")
    named = Template(stores, {"prefix": template(main).module_parameter("stores", "prefix")}, {})
    account, vault = (named.module_parameter(module, "name") for module in ("storage", "keyVault"))
    assert len(account) <= 24
    assert account.isalnum()
    assert len(vault) <= 24
