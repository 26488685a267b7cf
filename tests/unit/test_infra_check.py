from pathlib import Path

import pytest

from local.checkout import CHECKOUT
from local.infra import scan
from local.infra.check import check, files
from local.infra.policy import Finding

INFRA = CHECKOUT / "infra"
# Each mistake: the file, what stands there, what is planted instead, and what the check has to say of it.
PLANTED = {
    "storage answers keys": ("storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "SharedKey"),
    "a blob container is public": ("storage.bicep", "publicAccess: 'None'", "publicAccess: 'Blob'", "publicAccess"),
    "storage takes old TLS": ("storage.bicep", "'TLS1_2'", "'TLS1_0'", "minimumTlsVersion"),
    "storage is open to all": ("storage.bicep", "defaultAction: 'Deny'", "defaultAction: 'Allow'", "defaultAction"),
    "Cosmos DB answers keys": ("cosmos.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "disableLocalAuth"),
    "Postgres takes passwords": (
        "postgres.bicep",
        "passwordAuth: 'Disabled'",
        "passwordAuth: 'Enabled'",
        "passwordAuth",
    ),
    "Postgres takes old TLS": ("postgres.bicep", "value: 'TLSv1.2'", "value: 'TLSv1'", "ssl_min_protocol_version"),
    "Postgres lets all of Azure in": (
        "postgres.bicep",
        "startIpAddress: address",
        "startIpAddress: '0.0.0.0'",
        "startIpAddress",
    ),
    "the model answers keys": ("openai.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "disableLocalAuth"),
    "the vault can be purged": (
        "keyvault.bicep",
        "enablePurgeProtection: true",
        "enablePurgeProtection: false",
        "Purge",
    ),
    "the app answers plain HTTP": ("functions.bicep", "httpsOnly: true", "httpsOnly: false", "httpsOnly"),
    "publishing takes passwords": ("functions.bicep", "allow: false", "allow: true", "properties.allow"),
    "a key becomes an output": (
        "cosmos.bicep",
        "output resourceId",
        "output key string = account.listKeys().primaryMasterKey\noutput resourceId",
        "listKeys() reads a key",
    ),
    "a secret becomes a parameter": (
        "postgres.bicep",
        "param location string",
        "param location string\nparam administratorPassword string",
        "administratorPassword is named as a secret",
    ),
    "a role becomes Owner": (
        "storage.bicep",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635 to appPrincipalId, which is not on the list",
    ),
    "a role goes to the operator too": (
        "openai.bicep",
        "principalId: appPrincipalId",
        "principalId: operatorPrincipalId",
        "operatorPrincipalId, which is not on the list",
    ),
    "the app's roles go to the operator": (
        "main.bicep",
        "appPrincipalId: identity.outputs.principalId\n    operatorPrincipalId",
        "appPrincipalId: principalId\n    operatorPrincipalId",
        "is given principalId for appPrincipalId",
    ),
    "stores are opened on the way": (
        "stores.bicep",
        "publicNetworkAccess: publicNetworkAccess",
        "publicNetworkAccess: 'Enabled'",
        "is given 'Enabled' for publicNetworkAccess",
    ),
    "an assignment is named by hand": ("monitoring.bicep", "name: guid(", "name: format(", "not made by guid()"),
    "the vault is not watched": ("keyvault.bicep", "diagnosticSettings@", "somethingElse@", "no diagnostic settings"),
    "stores are public by default": (
        "main.bicep",
        "empty(operators) ? 'Disabled'",
        "empty(operators) ? 'Enabled'",
        "public",
    ),
    "a setting holds a key": (
        "main.bicep",
        "AzureWebJobsStorage__credential: 'managedidentity'",
        "AzureWebJobsStorage: 'AccountName=hub;AccountKey=c2VjcmV0'",
        "AzureWebJobsStorage may hold a secret",
    ),
    "connections do not fit": (
        "main.bicep",
        "param postgresPoolSize int = 2",
        "param postgresPoolSize int = 20",
        "let",
    ),
    "a brace is missing": ("network.bicep", "output appSubnetId", "}\noutput appSubnetId", "no Bicep near"),
}


def test_the_template_as_it_is_has_no_finding() -> None:
    assert check(files(INFRA)) == []


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_caught(mistake: str) -> None:
    name, right, wrong, says = PLANTED[mistake]
    path = next(file.path for file in files(INFRA) if file.path.name == name)
    source = path.read_text()
    assert right in source
    found = check(files(INFRA, {name: source.replace(right, wrong)}))
    assert [finding for finding in found if says in finding.says], found


def report(*failed: tuple[str, str]) -> dict[str, object]:
    checks = [
        {"check_id": check, "check_name": "?", "resource": f"T.{name}", "file_path": "/f", "file_line_range": [3, 4]}
        for check, name in failed
    ]
    return {"summary": {"parsing_errors": 0}, "results": {"failed_checks": checks, "parsing_errors": []}}


def test_what_checkov_finds_beyond_the_explained_skips_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_report", lambda _: report(*scan.SKIPS, ("CKV_AZURE_1", "new")))
    assert scan.scan(INFRA) == [Finding("f", 3, "CKV_AZURE_1 ? (new)")]


def test_a_skip_that_skips_nothing_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    (check, name), *others = scan.SKIPS
    monkeypatch.setattr(scan, "_report", lambda _: report(*others))
    assert [finding.says for finding in scan.scan(INFRA)] == [f"the skip of {check} for {name} is not needed"]


def test_a_file_that_checkov_can_not_read_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"summary": {"parsing_errors": 1}, "results": {"failed_checks": [], "parsing_errors": ["main.bicep"]}}
    monkeypatch.setattr(scan, "_report", lambda _: broken)
    assert [finding.says for finding in scan.scan(Path("infra"))] == ["checkov can't read main.bicep"]
