"""What the real API would refuse, refused; source: OpenAI's guide to structured outputs."""

import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
# What strict output knows of JSON Schema.
_KNOWN = {
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "exclusiveMaximum",
    "exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf", "pattern",
    "properties", "required", "type",
}  # fmt: skip


class Refused(Exception):
    """A 400 with its reason."""


@dataclass(frozen=True)
class Asked:
    """A request for an answer: the schema's name and the first turn's content."""

    name: str
    content: str | list[Json]


def checked_response(body: Json) -> Asked:
    """Return what a body for `/v1/responses` asks."""
    if body.get("store") is not False or body.get("tools"):
        raise Refused("it stores or brings tools")
    if not body.get("model") or not body.get("instructions") or not body.get("max_output_tokens"):
        raise Refused("model, instructions or max_output_tokens are missing")
    form = body["text"]["format"]
    if (form.get("type"), form.get("strict")) != ("json_schema", True):
        raise Refused("not strict")
    if form["schema"].get("type") != "object":
        raise Refused("the schema's root is no object")
    _check_schema(form["schema"])
    return Asked(form["name"], body["input"][0]["content"])


def checked_embedding(body: Json) -> tuple[str, int]:
    """Return the text and how many dimensions are wanted."""
    text = body["input"]
    if not isinstance(text, str) or not text or len(text.encode()) > 8192 * 4:
        raise Refused("the input is empty or too long")
    return text, int(body.get("dimensions") or 1536)


def _check_schema(schema: Any) -> None:
    if isinstance(schema, list):
        for each in schema:
            _check_schema(each)
    if not isinstance(schema, dict):
        return
    unknown = set(schema) - _KNOWN
    if unknown:
        raise Refused(f"unknown in strict mode: {json.dumps(sorted(unknown))}")
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False or schema.get("required") != list(schema["properties"])
    ):
        raise Refused("an object is open, or a field is not required")
    for group in ("properties", "$defs"):
        _check_schema(list(schema.get(group, {}).values()))
    for key in ("items", "anyOf"):
        _check_schema(schema.get(key))
