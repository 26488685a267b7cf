"""What main.bicep comes to: stores closed by default, connections that fit, app settings without a secret."""

from collections.abc import Iterator, Mapping
from typing import Any

from local.infra.policy import SECRET_TEXT, Finding
from local.infra.syntax import BicepFile, key_of, properties
from local.infra.values import Template

DEPLOYED: Mapping[str, Any] = {
    "environmentName": "hub",
    "location": "westeurope",
    "principalId": "00000000-0000-0000-0000-00000000000a",
    "principalName": "operator@example.com",
}
# Each is a secret, or a connection string that may hold one: in Azure the app's identity stands for them.
NEVER_SET = ("AzureWebJobsStorage", "HubStorage", "HubCosmos", "SECRET_KEYS", "OPENAI_API_KEY")


class Outputs(dict[str, Any]):
    """What modules would tell, each by its own name in angle brackets where nothing else is given."""

    def __contains__(self, name: object) -> bool:
        """Say that every output of a module is known."""
        return ".outputs." in str(name)

    def __missing__(self, name: str) -> str:
        """Return a name in the place of a value."""
        return f"<{name}>"


def template(file: BicepFile, outputs: Mapping[str, Any] | None = None, **parameters: Any) -> Template:
    """Return main.bicep with the defaults of its parameters but for `parameters`."""
    return Template(file, {**DEPLOYED, **parameters}, Outputs(outputs or {}))


def app_settings(main: Template, functions: BicepFile, *, client_id: str, base_url: str) -> dict[str, str]:
    """Return the app settings as a deployment sets them, those that modules/functions.bicep adds too."""
    given = main.module_parameter("functions", "settings")
    known = {"settings": given, "identityClientId": client_id, "app": {"properties": {"defaultHostName": base_url}}}
    node = functions.of("resource")["appSettings"].value_node
    assert node is not None  # noqa: S101 # a resource always has a body
    (found,) = (each.named_children[1] for each in properties(node) if key_of(each) == "properties")
    return dict(Template(functions, known, {}).value(found))


def check(main: BicepFile) -> list[Finding]:
    """Return what is wrong with the whole."""
    return [Finding(main.path.name, 1, says) for rule in (_closed, _fits, _no_secret) for says in rule(main)]


def _closed(main: BicepFile) -> Iterator[str]:
    if template(main).named("publicNetworkAccess") != "Disabled":
        yield "the stores are public though no operator's address is given"


def _fits(main: BicepFile) -> Iterator[str]:
    for hosting in ("offline", "azure"):
        chosen = template(main, modelHosting=hosting)
        if not chosen.named("connectionsFit"):
            needed, allowed = chosen.named("connectionsNeeded"), chosen.named("connectionsAllowed")
            yield f"{needed} connections may be needed, the database lets in {allowed}"


def _no_secret(main: BicepFile) -> Iterator[str]:
    for hosting in ("offline", "azure", "endpoint"):
        settings = template(main, modelHosting=hosting).module_parameter("functions", "settings")
        for name, value in settings.items():
            if name in NEVER_SET or SECRET_TEXT.search(str(value)):
                yield f"the app setting {name} may hold a secret"
