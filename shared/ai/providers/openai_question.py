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
from shared.ai.grounding import grounded, visible
from shared.ai.image_reader import Picture
from shared.ai.prompts import Prompt, prompt
from shared.ai.providers.openai_schema import text_format
from shared.identifiers import sha256_hex
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.models.text import storable

MAX_TEXT_CHARACTERS = 20_000
MAX_SUBJECT_CHARACTERS = 500
MAX_FILENAME_CHARACTERS = 200
# Room for an answer at every limit of its schema, and for what a reasoning model thinks before it.
MAX_OUTPUT_TOKENS = 16_000
# What is sent back of an answer that has to be repaired.
MAX_REPAIRED_CHARACTERS = 20_000

Asked = TypeVar("Asked", bound=BaseModel)
Value = TypeVar("Value")
Turn = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question(Generic[Asked, Value]):
    """One answer asked for: `logged` is what the log keeps of it, `finish` makes the analysis of what was answered."""

    prompt: Prompt
    model: str
    asked: type[Asked]
    turns: tuple[Turn, ...]
    logged: dict[str, Any]
    finish: Callable[[Asked], Value]
    may_repair: bool = True

    def again(self, said: str, wrong: str) -> "Question[Asked, Value]":
        """Return the question with what was said to it and what was wrong with that."""
        told = f"This answer can't be used: {wrong}. Give the whole answer again, without the mistake."
        turns: tuple[Turn, ...] = ({"role": "user", "content": told},)
        if said:
            turns = ({"role": "assistant", "content": said[:MAX_REPAIRED_CHARACTERS]}, *turns)
        logged = self.logged | {"repairs": wrong}
        return replace(self, turns=(*self.turns, *turns), logged=logged, may_repair=False)

    def parameters(self) -> dict[str, Any]:
        """Return the body for the Responses API: no tools, and nothing kept at the other side."""
        return {
            "model": self.model,
            "instructions": self.prompt.text,
            "input": list(self.turns),
            "text": text_format(self.prompt.name, self.asked),
            "max_output_tokens": MAX_OUTPUT_TOKENS,
            "store": False,
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
        logged={"task": "analyze_message", "model": model, "prompt_version": instructions.version, **given},
        finish=partial(grounded, text=text),
    )


def about_image(model: str, seen: Picture, raw: bytes, *, filename: str) -> Question[ImageReading, ImageAnalysis]:
    """Ask for what is seen in a picture; the log has the hash of the file it was made of."""
    name = storable(visible(filename))[:MAX_FILENAME_CHARACTERS]
    data = f"data:{seen.media_type};base64,{base64.b64encode(seen.raw).decode('ascii')}"
    content = [
        {"type": "input_text", "text": json.dumps({"filename": name}, ensure_ascii=False)},
        {"type": "input_image", "detail": "auto", "image_url": data},
    ]
    instructions = prompt("image_analysis")
    sent = {"media_type": seen.media_type, "sent_bytes": len(seen.raw)}
    file = {"filename": name, "bytes": len(raw), "sha256": sha256_hex(raw), **sent}
    return Question(
        prompt=instructions,
        model=model,
        asked=ImageReading,
        turns=({"role": "user", "content": content},),
        logged={"task": "analyze_image", "model": model, "prompt_version": instructions.version, **file},
        finish=lambda reading: reading.with_facts(seen.facts),
    )
