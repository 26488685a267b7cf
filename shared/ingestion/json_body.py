"""Reading our own JSON formats: a clear 4xx that names the field, or a validated model."""

import json
from math import isfinite
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import Rejected
from shared.identifiers import canonical_json, sha256_hex
from shared.models.text import MAX_DEPTH, within_depth

MAX_VALUES = 500_000
Model = TypeVar("Model", bound=BaseModel)


def read_json(raw: bytes, model: type[Model]) -> tuple[Model, str]:
    """Return the body as `model`, and the SHA-256 of its canonical JSON. Raises Rejected 400 or 422."""
    if sum(map(raw.count, b",[{")) > MAX_VALUES:
        # Told before parsing: thirty megabytes of brackets would become a gigabyte of lists.
        raise Rejected(400, f"the body holds more than {MAX_VALUES} values", field="body")
    try:
        value = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
        content_hash = sha256_hex(canonical_json(value))
    except RecursionError:
        raise Rejected(400, "the body is nested too deeply", field="body") from None
    except UnicodeEncodeError:
        raise Rejected(422, "the body holds half a surrogate pair, which is no character", field="body") from None
    except ValueError as error:
        raise Rejected(400, f"the body is not JSON: {error}", field="body") from None
    if not isinstance(value, dict):
        raise Rejected(400, "the body must be one JSON object", field="body")
    if not within_depth(value):
        raise Rejected(400, f"the body is nested more than {MAX_DEPTH} deep", field="body")
    try:
        return model.model_validate(value), content_hash
    except ValidationError as error:
        problems = [{"field": _path(item["loc"]), "detail": item["msg"]} for item in error.errors(include_input=False)]
        raise Rejected(
            422, f"{problems[0]['field']}: {problems[0]['detail']}", field=problems[0]["field"], errors=problems[:20]
        ) from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    # Python reads 1e999 as infinity, which no store of JSON takes back.
    number = float(text)
    return number if isfinite(number) else _refuse(text[:20])


def _path(location: tuple[Any, ...]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".") or "body"
