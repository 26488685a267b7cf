"""What the platform wants to be told, and answers otherwise only when it is deployed."""

from typing import Any

import pytest

from local.checkout import CHECKOUT
from local.infra.check import files
from local.infra.deployment import template
from local.infra.policy import at
from local.infra.syntax import Code, text_of
from local.infra.values import Template

BICEP = {file.path.stem: file for file in files(CHECKOUT / "infra")}
MAIN = template(BICEP["main"])


def made(module: str, resource: str) -> Any:
    return BICEP[module].of("resource")[resource].value


def test_the_plan_is_flex_consumption_on_linux() -> None:
    plan = made("functions", "plan")
    assert plan["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert plan["properties"]["reserved"] is True
    assert made("functions", "app")["kind"] == "functionapp,linux"


def test_the_app_stands_in_a_network_of_its_own_kind() -> None:
    (app, _) = made("network", "network")["properties"]["subnets"]
    assert [each["properties"]["serviceName"] for each in app["properties"]["delegations"]] == [
        "Microsoft.App/environments"
    ]
    assert at(made("functions", "app"), "properties.virtualNetworkSubnetId") == Code("subnetId")
    assert MAIN.module_parameter("functions", "subnetId") == "<stores.outputs.appSubnetId>"


def test_azd_finds_the_app_by_the_name_of_its_service() -> None:
    assert "'azd-service-name': 'hub'" in made("functions", "app")["tags"].text
    assert "\nservices:\n  hub:\n" in (CHECKOUT / "azure.yaml").read_text()


def test_every_closed_store_is_reached_over_an_endpoint_of_its_own() -> None:
    stores = {each["part"] for each in BICEP["endpoints"].of("variable")["stores"].value}
    models = Template(BICEP["endpoints"], {"openaiId": "made"}, {}).named("models")
    assert stores == {"blob", "queue", "table", "Sql", "postgresqlServer", "vault"}
    assert [each["part"] for each in models] == ["account"]
    zones = text_of(BICEP["network"].of("variable")["zones"].node)
    for each in [*BICEP["endpoints"].of("variable")["stores"].value, *models]:
        zone = each["zone"].text if isinstance(each["zone"], Code) else each["zone"]
        assert zone in zones


@pytest.mark.parametrize("pooled", [True, False])
def test_postgres_18_pools_connections_where_it_is_told_to(*, pooled: bool) -> None:
    server = Template(BICEP["postgres"], {"pooled": pooled}, {})
    assert made("postgres", "server")["properties"]["version"] == "18"
    assert server.named("poolerSettings") == ([{"name": "pgbouncer.enabled", "value": "true"}] if pooled else [])
    assert "in concat(serverSettings, poolerSettings)" in text_of(BICEP["postgres"].of("resource")["settings"].node)
    assert template(BICEP["main"], pgBouncer=pooled).module_parameter("stores", "postgresPooled") is pooled


def test_cosmos_db_is_serverless_unless_it_is_told_to_scale_and_has_vectors_when_it_is_told_to() -> None:
    def capabilities(**parameters: int) -> list[str]:
        account = Template(BICEP["cosmos"], {"autoscaleMaxThroughput": 0, "vectorDimensions": 0, **parameters}, {})
        wanted = account.named("serverlessCapability") + account.named("vectorCapability")
        return [each["name"] for each in wanted]

    assert capabilities() == ["EnableServerless"]
    assert capabilities(autoscaleMaxThroughput=4000) == []
    assert capabilities(autoscaleMaxThroughput=4000, vectorDimensions=512) == ["EnableNoSQLVectorSearch"]
    assert MAIN.named("cosmosAutoscaleMaxThroughput") == 0
    properties = made("cosmos", "account")["properties"]
    assert properties["capabilities"] == Code("concat(serverlessCapability, vectorCapability)")
    assert at(made("cosmos", "interactions"), "properties.resource") == Code(
        "vectors ? union(plainContainer, vectorPolicy) : plainContainer"
    )


def test_the_key_that_wraps_keys_is_made_and_renews_itself() -> None:
    key = made("keyvault", "wrappingKey")
    assert key["properties"]["keyOps"] == ["wrapKey", "unwrapKey"]
    actions = key["properties"]["rotationPolicy"]["lifetimeActions"]
    assert [each["action"]["type"] for each in actions] == ["rotate"]
    assert MAIN.module_parameter("functions", "settings")["SECRET_KEYS_WRAPPED_BY"] == "<stores.outputs.keyUri>"
