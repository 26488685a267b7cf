"""What is asked of a model: instructions of ours, and what strangers wrote as data."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from shared.ai.answers import ImageReading
from shared.ai.grounding import grounded
from shared.ai.image_reader import Picture
from shared.ai.prompts import Prompt, prompt
from shared.ai.providers.openai_schema import text_format
from shared.ai.usage import Usage
from shared.identifiers import sha256_hex
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.models.text import storable, visible

MAX_TEXT_CHARACTERS = 20_000
MAX_SUBJECT_CHARACTERS = 500
MAX_FILENAME_CHARACTERS = 200
# Room for an answer at every limit of its schema, and for what a reasoning model thinks before it.
MAX_OUTPUT_TOKENS = 16_000
# What is sent back of an answer that has to be repaired.
MAX_REPAIRED_CHARACTERS = 20_000
MAX_REPAIRS = 2
# Many times what a picture of ours takes, at most 1024 by 1024 pixels.
MAX_IMAGE_TOKENS = 10_000

_SETTINGS: dict[str, Any] = {"max_output_tokens": MAX_OUTPUT_TOKENS, "store": False}

Asked = TypeVar("Asked", bound=BaseModel)
Value = TypeVar("Value")
Turn = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question(Generic[Asked, Value]):
    """One answer asked for: `logged` is what the log keeps of it, `finish` makes the analysis of what was answered.

    What is logged is all that is sent, each thing once and by its name; but of an image, the hash.
    """

    prompt: Prompt
    model: str
    asked: type[Asked]
    turns: tuple[Turn, ...]
    logged: dict[str, Any]
    finish: Callable[[Asked], Value]
    repairs_left: int = MAX_REPAIRS

    @property
    def at_most(self) -> Usage:
        """What asking can take: every token is at least a byte."""
        return most(len(json.dumps(self.parameters() | {"input": _texts(self.turns)})), images=_images(self.turns))

    def again(self, said: str, wrong: str) -> "Question[Asked, Value]":
        """Return the question with what was said to it and what was wrong with that."""
        told = f"This answer can't be used: {wrong}. Give the whole answer again, without the mistake."
        turns: tuple[Turn, ...] = ({"role": "user", "content": told},)
        if said:
            turns = ({"role": "assistant", "content": said[:MAX_REPAIRED_CHARACTERS]}, *turns)
        logged = self.logged | {"repairs": wrong, "turns": [*self.logged.get("turns", ()), *turns]}
        return replace(self, turns=(*self.turns, *turns), logged=logged, repairs_left=self.repairs_left - 1)

    def parameters(self) -> dict[str, Any]:
        """Return the body for the Responses API: no tools, and nothing kept at the other side."""
        return {
            "model": self.model,
            "instructions": self.prompt.text,
            "input": list(self.turns),
            "text": text_format(self.prompt.name, self.asked),
            **_SETTINGS,
        }


def about_message(
    model: str, text: str, *, subject: str, sent_at: datetime
) -> Question[MessageAnalysis, MessageAnalysis]:
    """Ask for the analysis of a message's first 20 000 characters."""
    text = text[:MAX_TEXT_CHARACTERS]
    given = {
        "subject": storable(visible(subject[:MAX_SUBJECT_CHARACTERS])),
        "sent_at": sent_at.isoformat(),
        "text": storable(visible(text)),
    }
    instructions = prompt("message_analysis")
    return Question(
        prompt=instructions,
        model=model,
        asked=MessageAnalysis,
        # As JSON, nothing in the text can end the text.
        turns=({"role": "user", "content": json.dumps(given, ensure_ascii=False)},),
        logged={"task": "analyze_message", "model": model, **given, **_standing(instructions, MessageAnalysis)},
        finish=partial(grounded, text=text),
    )


def image_request(model: str, raw: bytes, *, filename: str) -> dict[str, Any]:
    """Return what the log keeps of a question about a file: its hash, not its bytes."""
    name = storable(visible(filename))[:MAX_FILENAME_CHARACTERS]
    file = {"filename": name, "bytes": len(raw), "sha256": sha256_hex(raw)}
    return {"task": "analyze_image", "model": model, **file, **_standing(prompt("image_analysis"), ImageReading)}


def about_image(model: str, seen: Picture, logged: dict[str, Any]) -> Question[ImageReading, ImageAnalysis]:
    """Ask for what is seen in a picture; `logged` is of the file it was made of, by `image_request`."""
    data = f"data:{seen.media_type};base64,{base64.b64encode(seen.raw).decode('ascii')}"
    content = [
        {"type": "input_text", "text": json.dumps({"filename": logged["filename"]}, ensure_ascii=False)},
        {"type": "input_image", "detail": "auto", "image_url": data},
    ]
    return Question(
        prompt=prompt("image_analysis"),
        model=model,
        asked=ImageReading,
        turns=({"role": "user", "content": content},),
        logged=logged,
        finish=lambda reading: reading.with_facts(seen.facts),
    )


def most(read_bytes: int, *, images: int = 0, written: int = MAX_OUTPUT_TOKENS) -> Usage:
    """Return the most that a question of so many bytes and images can take."""
    return Usage(
        input_tokens=read_bytes,
        cached_tokens=0,
        cache_write_tokens=0,
        image_tokens=images * MAX_IMAGE_TOKENS,
        output_tokens=written,
        reasoning_tokens=0,
    )


def _standing(instructions: Prompt, asked: type[BaseModel]) -> dict[str, Any]:
    """What is the same for every question of a prompt."""
    schema = text_format(instructions.name, asked)["format"]["schema"]
    return {
        "prompt_version": instructions.version,
        "instructions": instructions.text,
        "answer_schema": schema,
        **_SETTINGS,
    }


def _texts(turns: tuple[Turn, ...]) -> list[Any]:
    return [turn["content"] if isinstance(turn["content"], str) else turn["content"][0] for turn in turns]


def _images(turns: tuple[Turn, ...]) -> int:
    return sum(not isinstance(turn["content"], str) for turn in turns)
