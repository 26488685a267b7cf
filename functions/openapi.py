"""The API's own description: OpenAPI 3.1, and a page to read it."""

import json
from functools import cache
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import azure.functions as func

if TYPE_CHECKING:
    from pydantic import BaseModel

    from functions.operations import Operation

BLUEPRINT = func.Blueprint()
_REFERENCE = "#/components/schemas/{model}"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Interaction Hub API</title>
<style>body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}
code{{background:#eee;padding:.1em .3em}}
dt{{margin-top:1em}}pre{{background:#f6f6f6;padding:1em;overflow:auto}}</style>
<h1>Interaction Hub API</h1><p>Machine-readable: <a href="openapi.json">openapi.json</a></p><dl>{operations}</dl>
<h2>Schemas</h2>{schemas}</html>"""


@BLUEPRINT.function_name("openapi")
@BLUEPRINT.route("openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 # the binding's name
    """Return the OpenAPI description."""
    return func.HttpResponse(json.dumps(describe()), mimetype="application/json")


@BLUEPRINT.function_name("docs")
@BLUEPRINT.route("docs", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def docs(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 # the binding's name
    """Return the description as a page, without scripts or anything from elsewhere."""
    return func.HttpResponse(
        _page(),
        mimetype="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )


@cache
def describe() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document, made of the operations and the Pydantic models."""
    from functions.operations import OPERATIONS

    components, references = _schemas(OPERATIONS)
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, references)
    key = {"type": "apiKey", "in": "header", "name": "x-functions-key"}
    admin = {**key, "description": "The admin (master) key of the function app"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Interaction Hub", "version": "1", "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"functionKey": key, "adminKey": admin}},
    }


def _schemas(operations: "tuple[Operation, ...]") -> "tuple[dict[str, Any], dict[type[BaseModel], Any]]":
    from pydantic.json_schema import models_json_schema

    from shared.models.views import Problem

    answers = {operation.answer for operation in operations if operation.answer} | {Problem}
    bodies = {operation.body for operation in operations if operation.body}
    wanted = [(model, "serialization") for model in answers] + [(model, "validation") for model in bodies]
    ordered = sorted(wanted, key=lambda pair: pair[0].__name__)
    references, definitions = models_json_schema(ordered, ref_template=_REFERENCE)  # type: ignore[arg-type] # Literal
    by_model = {model: references[model, mode] for model, mode in ordered}  # type: ignore[index] # Literal
    return definitions["$defs"], by_model


def _operation(operation: "Operation", references: "dict[type[BaseModel], Any]") -> dict[str, Any]:
    from functions.operations import schema_of
    from shared.models.views import Problem

    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer:
        success["content"] = {operation.media_type: {"schema": references[operation.answer]}}
    elif operation.status != 204:
        success["content"] = {operation.media_type: {}}
    if operation.etag:
        success["headers"] = {"ETag": {"description": "For `If-Match`", "schema": {"type": "string"}}}
    problem = {"content": {"application/problem+json": {"schema": references[Problem]}}}
    described: dict[str, Any] = {
        "operationId": operation.function,
        "summary": operation.summary,
        "parameters": [schema_of(parameter) for parameter in operation.parameters],
        "responses": {str(operation.status): success}
        | {str(status): {"description": HTTPStatus(status).phrase, **problem} for status in operation.errors},
        "security": [] if operation.anonymous else [{"adminKey" if operation.admin else "functionKey": []}],
    }
    if operation.body:
        content: dict[str, Any] = {name: {"schema": references[operation.body]} for name in operation.json_bodies}
        content |= {media_type: {} for media_type in operation.raw_bodies}
        described["requestBody"] = {"required": True, "content": content}
    return described


@cache
def _page() -> str:
    described = describe()
    operations = "".join(
        f"<dt><code>{method.upper()} /api{escape(path)}</code></dt><dd>{escape(operation['summary'])}</dd>"
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f"<h3>{escape(name)}</h3><pre>{escape(json.dumps(schema, indent=1))}</pre>"
        for name, schema in described["components"]["schemas"].items()
    )
    return _PAGE.format(operations=operations, schemas=schemas)
