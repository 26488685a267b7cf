"""From the text a model wrote to the model class it was asked for."""

import json
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from shared.ai.providers.openai_wire import ResponseBody
from shared.models.text import storable

# Many times what an answer at every limit of its schema takes.
MAX_ANSWER_CHARACTERS = 500_000
_FENCE = "```"
_MOST_TOLD = 5

Asked = TypeVar("Asked", bound=BaseModel)


def unusable_because(body: ResponseBody) -> str:
    """Return why there is no answer and will be none, empty when there is one to be read."""
    if body.refusal:
        return "the model refuses to answer"
    if body.cut_off_by == "content_filter":
        return "the model's content filter refuses it"
    return "the model failed" if body.status == "failed" else ""


def read_answer(asked: type[Asked], body: ResponseBody) -> Asked:
    """Return the answer. Raises ValueError with what is wrong, in our words and the names of the schema's fields."""
    if body.cut_off_by:
        raise ValueError("the answer was cut off; it has to be shorter")
    if len(body.text) > MAX_ANSWER_CHARACTERS:
        raise ValueError("the answer is far too long")
    try:
        answered = json.loads(_without_fence(body.text), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ValueError("the answer is no JSON" if body.text.strip() else "the answer is empty") from None
    try:
        return asked.model_validate(_storable(answered))
    except ValidationError as error:
        raise ValueError(f"the answer does not fit the schema: {_told(error)}") from None


def _without_fence(text: str) -> str:
    """Servers without strict output like to wrap JSON in a Markdown code block."""
    text = text.strip()
    if not text.startswith(_FENCE) or not text.endswith(_FENCE):
        return text
    return text.removesuffix(_FENCE).partition("\n")[2]


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _storable(value: Any) -> Any:  # any JSON value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(key): _storable(each) for key, each in value.items()}
    return value


def _told(error: ValidationError) -> str:
    problems = []
    for problem in error.errors(include_input=False, include_url=False)[:_MOST_TOLD]:
        # A field that is too many is named by the model, so perhaps by the mail.
        place = problem["loc"][:-1] if problem["type"] == "extra_forbidden" else problem["loc"]
        problems.append(f"{'.'.join(map(str, place)) or 'answer'} {problem['type']}")
    return ", ".join(problems)
