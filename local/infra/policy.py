"""What every resource of a type must say and what no file may: keys off, old TLS off, stores closed, no secret told."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.infra.syntax import BicepFile, Code, Declaration, text_of, walk

# A parameter of this name comes from main.bicep, which opens a store to an operator's address or not at all.
CLOSED = Code("publicNetworkAccess")
STORE = {"properties.publicNetworkAccess": CLOSED}
DENIED = {"properties.networkAcls.defaultAction": "Deny"}
REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.allowCrossTenantReplication": False,
        "properties.defaultToOAuthAuthentication": True,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
        **STORE,
        **DENIED,
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"properties.publicAccess": "None"},
    "Microsoft.DocumentDB/databaseAccounts": {
        "properties.disableLocalAuth": True,
        "properties.disableKeyBasedMetadataWriteAccess": True,
        "properties.minimalTlsVersion": "Tls12",
        **STORE,
    },
    "Microsoft.DBforPostgreSQL/flexibleServers": {
        "properties.authConfig.activeDirectoryAuth": "Enabled",
        "properties.authConfig.passwordAuth": "Disabled",
        "properties.network.publicNetworkAccess": CLOSED,
    },
    "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules": {
        "properties.startIpAddress": Code("address"),
        "properties.endIpAddress": Code("address"),
    },
    "Microsoft.CognitiveServices/accounts": {"properties.disableLocalAuth": True, **STORE, **DENIED},
    "Microsoft.KeyVault/vaults": {
        "properties.enableRbacAuthorization": True,
        "properties.enableSoftDelete": True,
        "properties.enablePurgeProtection": True,
        **STORE,
        **DENIED,
    },
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.Web/sites": {
        "identity.type": "UserAssigned",
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.ftpsState": "Disabled",
        "properties.functionAppConfig.deployment.storage.authentication.type": "UserAssignedIdentity",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
}
# What a store must have beside it, in its own file.
DIAGNOSED = frozenset(
    {
        "Microsoft.Storage/storageAccounts",
        "Microsoft.DocumentDB/databaseAccounts",
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "Microsoft.CognitiveServices/accounts",
        "Microsoft.KeyVault/vaults",
        "Microsoft.Web/sites",
    }
)
SERVER_SETTINGS = {"azure.extensions": "VECTOR", "ssl_min_protocol_version": "TLSv1.2"}
SECRET_NAME = re.compile(r"password|secret|sas|token|credential|connectionstring|accountkey|apikey", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"AccountKey=|SharedAccess|sig=|password=|primaryKey|primaryMasterKey|adminPassword", re.IGNORECASE
)
# Names where telemetry goes; it lets nobody in, since local authentication is off.
TOLD = frozenset({("monitoring.bicep", "connectionString")})
# Makes names unique; no secret.
NO_SECRETS = frozenset({("main.bicep", "token")})


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where."""

    file: str
    line: int
    says: str

    def __str__(self) -> str:
        """Return it on one line."""
        return f"{self.file}:{self.line}: {self.says}"


def check(file: BicepFile) -> list[Finding]:
    """Return what is wrong in one file."""
    name = file.path.name
    return [Finding(name, line, says) for rule in RULES for line, says in rule(file)]


def at(value: Any, path: str) -> Any:
    """Return what is at a path of keys by dot, None where there is nothing."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def resources(file: BicepFile) -> list[Declaration]:
    """Return the resources that a file makes."""
    return [each for each in file.of("resource").values() if not each.existing]


def _syntax(file: BicepFile) -> Iterator[tuple[int, str]]:
    for line, text in file.errors:
        yield line, f"no Bicep near {text!r}"


def _required(file: BicepFile) -> Iterator[tuple[int, str]]:
    for resource in resources(file):
        for path, wanted in REQUIRED.get(resource.type, {}).items():
            found = at(resource.value, path)
            if found != wanted or type(found) is not type(wanted):
                yield resource.line, f"{resource.name}: {path} is {_told(found)}, not {_told(wanted)}"


def _server_settings(file: BicepFile) -> Iterator[tuple[int, str]]:
    declared = file.of("variable").get("serverSettings")
    for server in resources(file):
        if server.type == "Microsoft.DBforPostgreSQL/flexibleServers":
            settings = {each["name"]: each["value"] for each in declared.value} if declared else {}
            for name, wanted in SERVER_SETTINGS.items():
                if settings.get(name) != wanted:
                    yield server.line, f"{server.name}: {name} is not {wanted}"


def _publishing(file: BicepFile) -> Iterator[tuple[int, str]]:
    for site in resources(file):
        if site.type == "Microsoft.Web/sites":
            closed = {
                each.value.get("name")
                for each in resources(file)
                if each.type == "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
            }
            for way in sorted({"ftp", "scm"} - closed):
                yield site.line, f"{site.name}: publishing passwords of {way} are not switched off"


def _diagnosed(file: BicepFile) -> Iterator[tuple[int, str]]:
    if not any(each.type == "Microsoft.Insights/diagnosticSettings" for each in resources(file)):
        for resource in resources(file):
            if resource.type in DIAGNOSED:
                yield resource.line, f"{resource.name}: no diagnostic settings beside it"


def _no_key_is_read(file: BicepFile) -> Iterator[tuple[int, str]]:
    for node in walk(file.root):
        if node.type == "call_expression":
            called = text_of(node).partition("(")[0].rpartition(".")[2]
            if called.startswith("list") or called == "getSecret":
                yield node.start_point[0] + 1, f"{called}() reads a key"


def _no_secret_is_told(file: BicepFile) -> Iterator[tuple[int, str]]:
    name = file.path.name
    for each in file.declarations:
        secret = SECRET_NAME.search(each.name) and (name, each.name) not in TOLD | NO_SECRETS
        if each.kind in {"output", "parameter"} and secret:
            yield each.line, f"the {each.kind} {each.name} is named as a secret"
    for node in walk(file.root):
        if node.type in {"string_content", "property_identifier"} and SECRET_TEXT.search(text_of(node)):
            yield node.start_point[0] + 1, f"{text_of(node)[:40]!r} looks like a secret"


def _told(value: Any) -> str:
    return value.text if isinstance(value, Code) else repr(value)


RULES: tuple[Callable[[BicepFile], Iterator[tuple[int, str]]], ...] = (
    _syntax,
    _required,
    _server_settings,
    _publishing,
    _diagnosed,
    _no_key_is_read,
    _no_secret_is_told,
)
