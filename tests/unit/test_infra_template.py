"""The template against the code: what runs, what is set, what is logged, what is stored."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.checkout import CHECKOUT
from local.host.application import load_functions
from local.infra.check import files
from local.infra.deployment import app_settings, template
from local.infra.syntax import BicepFile, Code, text_of
from local.infra.values import Template
from shared.settings import Settings
from shared.telemetry import event

INFRA = CHECKOUT / "infra"
BICEP = {file.path.stem: file for file in files(INFRA)}
MAIN = BICEP["main"]
KNOWN = {field.alias or "" for field in Settings.model_fields.values()}
# The host's own, which no code of ours reads.
OF_THE_HOST = {
    *("AzureWebJobsStorage__accountName", "AzureWebJobsStorage__credential", "AzureWebJobsStorage__clientId"),
    *("HubStorage__credential", "HubStorage__clientId", "HubCosmos__credential", "HubCosmos__clientId"),
    *("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"),
}
SIZES = ["Standard_B2s", "Standard_D2ds_v5", "Standard_D4ds_v5", "Standard_D8ds_v5"]


def settings(**parameters: Any) -> dict[str, str]:
    main = template(MAIN, **parameters)
    return app_settings(main, BICEP["functions"], client_id="client", base_url="hub.example.com")


def test_every_setting_that_the_template_sets_is_known_to_the_code_or_the_host() -> None:
    every = {**settings(), **settings(modelHosting="azure", cosmosVectorDimensions=512)}
    assert set(every) - KNOWN == OF_THE_HOST


def test_every_setting_of_the_code_is_set_or_its_absence_is_documented() -> None:
    table = (CHECKOUT / "docs" / "deploy.md").read_text().partition("\n| Setting |")[2].partition("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines()[2:])))
    assert KNOWN - set(settings(modelHosting="azure")) == documented


def test_the_example_for_developers_knows_every_setting_that_is_deployed() -> None:
    example = json.loads((CHECKOUT / "local.settings.json.example").read_text())["Values"]
    assert set(settings(modelHosting="azure")) - OF_THE_HOST - set(example) == set()


@pytest.mark.parametrize("hosting", ["offline", "azure", "endpoint"])
def test_the_code_reads_what_the_template_sets(hosting: str) -> None:
    given = settings(modelHosting=hosting, modelEndpoint="https://models.example.com")
    read = Settings(**given)  # type: ignore[arg-type] # names and texts as in the environment
    assert read.ai_provider == ("offline" if hosting == "offline" else "openai")
    made = {"offline": None, "azure": "<stores.outputs.modelEndpoint>", "endpoint": "https://models.example.com"}
    assert read.azure_openai_endpoint == made[hosting]
    assert template(MAIN, modelHosting=hosting).module_parameter("stores", "withModels") is (hosting == "azure")
    assert read.postgres_pooled
    assert read.secret_keys is None


def test_an_index_of_vectors_has_the_dimensions_that_the_model_is_asked_for() -> None:
    assert settings(cosmosVectorDimensions=256)["EMBEDDING_DIMENSIONS"] == "256"


def test_every_function_that_uses_the_database_counts_in_the_connections() -> None:
    groups, timers = {"http"}, set()
    for function in load_functions(CHECKOUT):
        trigger, name = function.get_trigger(), function.get_function_name()
        assert trigger is not None
        assert name
        if trigger.type == "timerTrigger":
            timers.add(name)
        elif trigger.type != "httpTrigger":
            groups.add(name)
    assert set(template(MAIN).named("scalingGroups")) == groups
    assert set(template(MAIN).named("timers")) == timers


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pooled", [True, False])
def test_the_connections_that_may_be_needed_are_every_pool_of_every_instance(size: str, *, pooled: bool) -> None:
    main = template(MAIN, postgresSize=size, pgBouncer=pooled, maximumInstanceCount=50, postgresPoolSize=3)
    groups, timers = len(main.named("scalingGroups")), len(main.named("timers"))
    direct = {"Standard_B2s": 414, "Standard_D2ds_v5": 844, "Standard_D4ds_v5": 1703, "Standard_D8ds_v5": 3422}[size]
    allowed = 5000 if pooled and not size.startswith("Standard_B") else direct
    assert main.named("connectionsNeeded") == (groups * 50 + timers) * 3
    assert main.named("connectionsAllowed") == allowed
    assert main.named("connectionsFit") is (main.named("connectionsNeeded") <= allowed)


@pytest.mark.parametrize("size", SIZES[1:])
def test_the_defaults_fit_every_size_but_the_burstable_one_even_without_pgbouncer(size: str) -> None:
    assert template(MAIN, postgresSize=size, pgBouncer=False).named("connectionsFit")


def test_the_burstable_size_does_not_fit_and_the_template_says_so() -> None:
    assert not template(MAIN, postgresSize="Standard_B2s").named("connectionsFit")
    assert template(MAIN, postgresSize="Standard_B2s", postgresPoolSize=1).named("connectionsFit")


def test_pgbouncer_is_asked_for_where_the_server_has_it() -> None:
    assert "port=6432" in settings()["POSTGRES_DSN"]
    burstable = settings(postgresSize="Standard_B2s")
    assert "port=5432" in burstable["POSTGRES_DSN"]
    assert burstable["POSTGRES_POOLED"] == "False"


def test_what_alerts_look_for_is_what_the_code_logs() -> None:
    events = template(BICEP["alerts"]).named("events")
    names = [re.search(r'startswith "([\w.]+) "', event["query"]) for event in events]
    assert {found[1] for found in names if found} <= set(logged())
    assert len(events) == len([found for found in names if found])


def test_someone_is_told_of_poison_lag_answers_of_5xx_and_silence() -> None:
    alerts = template(BICEP["alerts"], serverErrorPercent=2)
    told = {each["name"]: each["query"] for each in [*alerts.named("events"), *alerts.named("rates")]}
    assert {"dead-letters", "poison-depth", "sync-lag", "tombstones-at-risk", "silence", "server-errors"} <= set(told)
    assert "failed * 100 > calls * 2" in told["server-errors"]
    assert "for event in concat(events, rates)" in text_of(BICEP["alerts"].of("resource")["eventAlerts"].node)


def test_the_lag_is_logged_as_its_alert_reads_it(caplog: pytest.LogCaptureFixture) -> None:
    query = next(each["query"] for each in template(BICEP["alerts"]).named("events") if each["name"] == "sync-lag")
    assert 'event("feed_lag", seconds=' in (CHECKOUT / "shared" / "sync" / "status.py").read_text()
    with caplog.at_level("INFO"):
        event("feed_lag", seconds=901.5)
    before = re.search(r'parse message with "([^"]+)" seconds:real', query)
    assert before is not None
    assert caplog.messages == [f"{before[1]}901.5"]


def logged() -> Iterator[str]:
    for folder in ("shared", "functions"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                    first = node.args[0]
                    if node.func.id in {"event", "warning"} and isinstance(first, ast.Constant):
                        yield str(first.value)


def cosmos(**parameters: Any) -> Template:
    return Template(BICEP["cosmos"], {"autoscaleMaxThroughput": 0, "vectorDimensions": 0, **parameters}, {})


def test_the_containers_are_those_of_the_local_stack() -> None:
    described = json.loads((CHECKOUT / "schema" / "cosmos" / "interactions.json").read_text())
    deployed = cosmos().named("plainContainer")
    assert deployed["partitionKey"] == described["partitionKey"]
    assert deployed["defaultTtl"] == described["defaultTtl"]
    assert json.loads(json.dumps(deployed["indexingPolicy"]).replace('\\\\"', '\\"')) == described["indexingPolicy"]
    leases = json.loads((CHECKOUT / "schema" / "cosmos" / "leases.json").read_text())
    assert BICEP["cosmos"].of("resource")["leases"].value["properties"]["resource"] == leases


def test_a_vector_index_has_a_policy_of_its_dimensions() -> None:
    policy = cosmos(vectorDimensions=512).named("vectorPolicy")["vectorEmbeddingPolicy"]["vectorEmbeddings"]
    assert [(each["path"], each["dimensions"]) for each in policy] == [("/embedding", 512)]
    assert cosmos(vectorDimensions=512).named("plainContainer")["indexingPolicy"]["vectorIndexes"]


def test_throughput_is_of_each_container_since_shared_throughput_has_no_vector_index() -> None:
    made = {name: each.value["properties"] for name, each in BICEP["cosmos"].of("resource").items()}
    assert "options" not in made["database"]
    for name, limit in (("interactions", 4000), ("leases", 1000)):
        variable = made[name]["options"].text
        assert cosmos(autoscaleMaxThroughput=4000).named(variable) == {"autoscaleSettings": {"maxThroughput": limit}}
        assert cosmos().named(variable) == {}


@pytest.mark.parametrize("store", ["postgres", "cosmos"])
def test_a_store_that_was_restored_under_another_name_takes_the_place_of_the_old_one(store: str) -> None:
    name, restored = f"{store}Name", dict[str, Any]({f"{store}Name": "restored"})
    assert template(MAIN).module_parameter("stores", name).endswith(f"-{store}")
    assert template(MAIN, **restored).module_parameter("stores", name) == "restored"
    assert "store.resourceId" in BICEP["endpoints"].of("resource")["endpoints"].value["name"].text


def test_an_instance_for_http_is_always_ready_and_answers_many_calls_at_once() -> None:
    config = BICEP["functions"].of("resource")["app"].value["properties"]["functionAppConfig"]
    scale, main = config["scaleAndConcurrency"], template(MAIN)
    assert scale["triggers"]["http"]["perInstanceConcurrency"] == Code("httpConcurrency")
    assert "name: 'http'\n            instanceCount: alwaysReadyHttp" in scale["alwaysReady"].text
    given = {name: main.module_parameter("functions", name) for name in ("httpConcurrency", "alwaysReadyHttp")}
    assert given == {"httpConcurrency": 16, "alwaysReadyHttp": 1}


def test_every_parameter_that_azd_fills_is_one_of_the_template() -> None:
    filled = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    declared = MAIN.of("parameter")
    assert set(filled) <= set(declared)
    assert {name for name, each in declared.items() if each.value_node is None} <= set(filled)


def test_syntax_that_is_no_bicep_is_told_by_line() -> None:
    assert BicepFile(INFRA / "main.bicep", b"var a = 1\nvar b = {\n").errors[0][0] == 2
