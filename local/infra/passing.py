"""What decides who gets in is handed from main.bicep to the modules as it is: no module is given another value."""

from collections.abc import Iterator, Mapping

from local.infra.policy import Finding, at
from local.infra.syntax import BicepFile, Code

PASSED: Mapping[str, frozenset[str]] = {
    "appPrincipalId": frozenset({"appPrincipalId", "identity.outputs.principalId"}),
    "operatorPrincipalId": frozenset({"operatorPrincipalId", "principalId"}),
    "administratorPrincipalId": frozenset({"operatorPrincipalId"}),
    "publicNetworkAccess": frozenset({"publicNetworkAccess"}),
    "operatorIpAddresses": frozenset({"operatorIpAddresses", "operators"}),
}


def check(file: BicepFile) -> Iterator[Finding]:
    """Yield what a module of this file is given in the place of the value it is to have."""
    for module in file.of("module").values():
        given = at(module.value, "params") or {}
        for name in PASSED.keys() & given.keys():
            value = given[name].text if isinstance(given[name], Code) else repr(given[name])
            if value not in PASSED[name]:
                yield Finding(file.path.name, module.line, f"{module.name} is given {value} for {name}")
