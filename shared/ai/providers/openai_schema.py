"""JSON Schemas as strict structured output takes them."""

from functools import cache
from typing import Any

from pydantic import BaseModel

# Strict mode knows these no more than a title; a default would make a field optional, which it refuses.
_DROPPED = {"title", "default", "minLength", "maxLength"}


@cache
def _strict(model: type[BaseModel]) -> dict[str, Any]:
    strict: dict[str, Any] = _node(model.model_json_schema())
    return strict


def text_format(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """Return the Responses API's `text` parameter that makes a model answer with `model` and nothing else.

    Every object is closed and all of its fields are required. A limit on a text's length is told in its description:
    it is checked when the answer is read.
    """
    return {"format": {"type": "json_schema", "name": name, "strict": True, "schema": _strict(model)}}


def _node(schema: Any) -> Any:  # any part of a JSON document
    if isinstance(schema, list):
        return [_node(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _node(value) for key, value in schema.items() if key not in _DROPPED}
    for group in ("properties", "$defs"):
        # Here the keys are names of ours, so `title` would be a field.
        if group in schema:
            strict[group] = {key: _node(value) for key, value in schema[group].items()}
    if "properties" in schema:
        strict |= {"additionalProperties": False, "required": list(schema["properties"])}
    if "maxLength" in schema:
        limit = f"at most {schema['maxLength']} characters"
        strict["description"] = f"{schema['description']}; {limit}" if "description" in schema else limit
    return strict
