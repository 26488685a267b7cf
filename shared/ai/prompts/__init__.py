"""What models are told: one versioned file for each answer asked for.

A file is its head, `version: N`, an empty line and the instructions. Another wording is another version: analyses are
kept by version, so the file's text never changes under a version that was released.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HEAD = re.compile(r"version: (\S+)\n\n")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The instructions for one answer."""

    name: str
    version: str
    text: str


@cache
def prompt(name: str) -> Prompt:
    """Return the prompt in `NAME.txt`. Raises ValueError when the file has no version."""
    written = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8")
    head = _HEAD.match(written)
    if head is None:
        raise ValueError(f"the prompt {name} does not begin with its version")
    return Prompt(name, head[1], written[head.end() :].strip())
