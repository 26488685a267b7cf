"""The normal form of an entity, held against its text: an engine may write it differently, not say something else."""

import re
from datetime import datetime

from shared.models.analysis import Entity, EntityType

_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{1,2})? [A-Z]{3}")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
# A country's code takes the place of a leading zero, so only the end of a number is the same.
_SAME_DIGITS = 6


def settled_value(kind: EntityType, text: str, value: str) -> str:
    """Return `value` where it says the same as `text`, else the text, at most 200 characters."""
    as_written = " ".join(text.split())[:200]
    return value if _says_the_same(kind, as_written, value) else _own_form(kind, as_written)


def with_settled_value(entity: Entity) -> Entity:
    """Return the entity with a value that its text bears out."""
    return entity.model_copy(update={"value": settled_value(entity.type, entity.text, entity.value)})


def _says_the_same(kind: EntityType, text: str, value: str) -> bool:
    if kind == "date":
        return _is_time(value)
    if kind == "amount":
        whole = re.sub(r"\D", "", value.partition(".")[0]).lstrip("0")
        return _AMOUNT.fullmatch(value) is not None and whole in re.sub(r"\D", "", text)
    if kind == "phone":
        return _E164.fullmatch(value) is not None and value[-_SAME_DIGITS:] == _digits(text)[-_SAME_DIGITS:]
    if kind == "url":
        return value in (text, f"https://{text}", f"http://{text}")
    if kind == "email":
        return value.casefold() == text.casefold()
    return _letters(value) == _letters(text)


def _own_form(kind: EntityType, text: str) -> str:
    if kind == "email":
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"
    if kind == "phone" and text.startswith("+"):
        return f"+{_digits(text)}"
    return text


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return len(value) <= 25  # a date, a time and an offset


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
