"""The whole list of roles that the template gives, and to whom: one that is not here is a finding, one less too."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.infra.policy import Finding, at, resources
from local.infra.syntax import BicepFile, Code, Declaration

APP, OPERATOR = "appPrincipalId", "operatorPrincipalId"
NAMES: Mapping[str, str] = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd": "Cognitive Services OpenAI User",
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": "Key Vault Crypto Service Encryption User",
    "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
}
GIVEN = frozenset(
    {
        ("storage.bicep", APP, "Storage Blob Data Owner"),  # the host keeps its locks and keys there
        ("storage.bicep", APP, "Storage Queue Data Contributor"),  # the host makes poison queues and looks into depths
        ("storage.bicep", APP, "Storage Table Data Contributor"),  # the host's diagnostic events
        ("storage.bicep", OPERATOR, "Storage Blob Data Contributor"),  # sources and wrapped keys
        ("cosmos.bicep", APP, "Cosmos DB Built-in Data Contributor"),
        ("keyvault.bicep", APP, "Key Vault Crypto Service Encryption User"),  # read, wrap, unwrap: the least there is
        ("keyvault.bicep", OPERATOR, "Key Vault Crypto Service Encryption User"),
        ("monitoring.bicep", APP, "Monitoring Metrics Publisher"),
        ("openai.bicep", APP, "Cognitive Services OpenAI User"),
    }
)
ASSIGNMENTS = frozenset(
    {
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
    }
)
ROLE = re.compile(r"(?:roleDefinitions',\s*|sqlRoleDefinitions/\$\{)(\w+)")


def check(files: list[BicepFile]) -> list[Finding]:
    """Return what is given and not listed, listed and not given, or given in another way than by guid() to one kind."""
    findings, given = [], set()
    for file in files:
        for assignment in resources(file):
            if assignment.type in ASSIGNMENTS:
                given |= {(file.path.name, who, role) for who, role in _given(file, assignment)}
                findings += [Finding(file.path.name, assignment.line, says) for says in _wrong(assignment)]
    findings += [
        Finding(file, 1, f"gives {role} to {who}, which is not on the list") for file, who, role in given - GIVEN
    ]
    findings += [Finding(file, 1, f"does not give {role} to {who}") for file, who, role in GIVEN - given]
    return sorted(findings, key=str)


def _given(file: BicepFile, assignment: Declaration) -> Iterator[tuple[str, str]]:
    who = _text(at(assignment.value, "properties.principalId"))
    written = _text(at(assignment.value, "properties.roleDefinitionId"))
    found = ROLE.search(written)
    names = file.of("variable")
    if not found:
        yield who, written
        return
    # In a loop the role is the loop's variable: whatever its list names is given.
    roles = [found[1]] if found[1] in names else [each.text for each in names["appRoles"].value]
    for role in roles:
        identifier = names[role].value
        yield who, NAMES.get(identifier, identifier)


def _wrong(assignment: Declaration) -> Iterator[str]:
    if not _text(assignment.value.get("name")).startswith("guid("):
        yield f"{assignment.name}: its name is not made by guid(), so deploying twice fails"
    kind = at(assignment.value, "properties.principalType")
    cosmos = assignment.type.startswith("Microsoft.DocumentDB")
    if not cosmos and kind not in ("ServicePrincipal", Code("operatorType")):
        yield f"{assignment.name}: without principalType a new identity is not found yet"


def _text(value: Any) -> str:
    return value.text if isinstance(value, Code) else str(value)
