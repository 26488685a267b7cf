"""The API's description against the API."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import azure.functions as func
import pytest

from function_app import app
from functions.openapi import describe, docs, openapi
from functions.operations import OPERATIONS
from shared.identifiers import DeliveryId, InteractionId
from shared.ingestion.provider import Receipt
from shared.ingestion.registry import PROVIDERS
from shared.models.views import AcceptedView
from tests.unit.test_responses import REQUEST

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def triggers() -> Iterator[tuple[str, str, str, str]]:
    """Yield path, method, name and auth level of every HTTP trigger of the app."""
    for builder in app._function_builders:
        function = builder._function
        bound = function.get_trigger()
        assert bound
        trigger = bound.get_dict_repr()
        if trigger["type"] == "httpTrigger":
            for method in trigger["methods"]:
                level = trigger["authLevel"]
                yield (
                    f"/{trigger['route']}",
                    str(method.value).lower(),
                    str(function.get_function_name()),
                    str(level.value),
                )


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in describe()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_http_trigger_is_described_and_nothing_else_is() -> None:
    described = {(path, method, operation["operationId"]) for path, method, operation in operations()}
    assert described == {(path, method, name) for path, method, name, _ in triggers()}


def test_routes_without_a_key_are_described_as_such() -> None:
    described = {operation["operationId"]: operation["security"] == [] for _, _, operation in operations()}
    assert described == {name: level.lower() == "anonymous" for _, _, name, level in triggers()}


def test_only_webhooks_and_the_descriptions_of_the_service_need_no_key() -> None:
    anonymous = {name for _, _, name, level in triggers() if level.lower() == "anonymous"}
    assert anonymous == {"ingest_email", "ingest_chat", "health", "openapi", "docs"}


def test_the_document_has_the_form_of_openapi_3_1() -> None:
    document = describe()
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= document["info"].keys()
    assert document["paths"]
    for path, methods in document["paths"].items():
        assert path.startswith("/")
        assert methods.keys() <= METHODS
    json.dumps(document, allow_nan=False)


def test_every_operation_has_a_name_of_its_own_and_an_answer() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for _, _, operation in operations():
        assert all(
            re.fullmatch(r"[1-5]\d\d", status) and said["description"]
            for status, said in operation["responses"].items()
        )
        assert any(status.startswith("2") for status in operation["responses"])


def test_the_parameters_of_a_path_are_those_in_its_braces() -> None:
    for path, _, operation in operations():
        parameters = operation["parameters"]
        named = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert all(parameter["required"] for parameter in parameters if parameter["in"] == "path")
        assert all(parameter["in"] in {"path", "query", "header"} and parameter["schema"] for parameter in parameters)
        assert len({(parameter["name"], parameter["in"]) for parameter in parameters}) == len(parameters)


def test_every_reference_resolves() -> None:
    document = describe()
    found = set(references(document))
    assert found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert isinstance(node, dict)


def test_every_schema_is_used() -> None:
    used = {reference.rpartition("/")[2] for reference in references(describe())}
    assert used == describe()["components"]["schemas"].keys()


def test_every_required_property_exists_and_is_camel_case() -> None:
    for schema in describe()["components"]["schemas"].values():
        properties = schema.get("properties", {})
        assert set(schema.get("required", [])) <= properties.keys()
        if "$ref" not in schema and schema["title"] not in {"Classification", "Sentiment", "Entity"}:
            assert all(re.fullmatch(r"[a-z][a-zA-Z0-9]*", name) for name in properties)


def test_every_route_for_a_tenant_takes_the_tenant() -> None:
    for operation in OPERATIONS:
        takes = "X-Project-Id" in {parameter.name for parameter in operation.parameters}
        assert takes is not (operation.anonymous or operation.admin)


def test_what_belongs_to_no_tenant_needs_the_admin_key() -> None:
    described = {
        operation["operationId"]: operation["security"] == [{"adminKey": []}] for _, _, operation in operations()
    }
    assert described == {name: level.lower() == "admin" for _, _, name, level in triggers()}
    assert any(described.values())


def test_every_refusal_of_bad_input_is_described_for_ingest() -> None:
    for _, _, operation in operations():
        if operation["operationId"].startswith("ingest"):
            assert {"202", "400", "401", "404", "413", "415", "422", "503"} == operation["responses"].keys()


@pytest.mark.parametrize("which", list(PROVIDERS))
def test_what_ingest_answers_is_as_described(which: tuple[str, str]) -> None:
    ids = (InteractionId(uuid4()), InteractionId(uuid4()))
    receipt = Receipt(uuid4(), uuid4(), DeliveryId(uuid4()), ids, datetime.now(UTC))
    answer = PROVIDERS[which].acknowledge(receipt)
    accepted = AcceptedView.model_validate_json(answer.body)
    assert (accepted.delivery_id, tuple(accepted.interaction_ids)) == (receipt.delivery_id, ids)
    schema = describe()["components"]["schemas"]["AcceptedView"]
    assert json.loads(answer.body).keys() == schema["properties"].keys()


async def test_the_description_is_served_as_json_and_as_a_page_without_scripts() -> None:
    served = await openapi(REQUEST)
    page = await docs(REQUEST)
    assert json.loads(served.get_body()) == describe()
    text = page.get_body().decode()
    assert all(path in text for path in describe()["paths"])
    assert "<script" not in text
    assert "http://" not in text
    assert "script-src" not in page.headers["Content-Security-Policy"]


def test_the_app_is_one_function_app() -> None:
    assert isinstance(app, func.FunctionApp)
