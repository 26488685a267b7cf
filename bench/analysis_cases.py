"""The labelled messages of the analysis benchmark: written for it, labelled by hand, every name and number made up.

Each line of `labels/*.jsonl` is one message. Of its labels, `intent` and the intents of `also` are right; entities,
facts and promises are named by the words they stand in, what is `..._also` is right when said and not missed when not.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Split = Literal["development", "held_out"]
SPLITS: tuple[Split, ...] = ("development", "held_out")

_FOLDER = Path(__file__).with_name("labels")


@dataclass(frozen=True, slots=True)
class Place:
    """Something that stands in a text from `start` to `end`."""

    kind: str
    start: int
    end: int
    due: str | None = None

    def covers(self, other: "Place") -> bool:
        """Say whether both are of one kind and share at least half of the shorter one."""
        shared = min(self.end, other.end) - max(self.start, other.start)
        shorter = min(self.end - self.start, other.end - other.start)
        return self.kind == other.kind and shared > 0 and 2 * shared >= shorter


@dataclass(frozen=True, slots=True)
class Expected:
    """What is right to find; what is in `tolerated` is right too, but not missed."""

    needed: tuple[Place, ...]
    tolerated: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One message with its labels; `sentiment` is from -1 to 1."""

    id: str
    industry: str
    language: str
    kind: str
    subject: str
    sent_at: datetime
    text: str
    intents: tuple[str, ...]
    category: str
    priority: str
    sentiment: float
    entities: Expected
    facts: Expected
    promises: Expected
    risks: frozenset[str]


def read_cases(split: Split) -> list[Case]:
    """Return the messages of one half. Raises ValueError that names a message whose labels are not in its text."""
    lines = (_FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [case_of(json.loads(line)) for line in lines]


def case_of(said: dict[str, Any]) -> Case:
    """Return one message of a line's object, its labels at their places. Raises ValueError."""
    labels = said["labels"]
    text, where = said["text"], said["id"]
    return Case(
        id=where,
        industry=said["industry"],
        language=said["language"],
        kind=said["kind"],
        subject=said["subject"],
        sent_at=datetime.fromisoformat(said["sent_at"]),
        text=text,
        intents=(labels["intent"], *labels.get("also", ())),
        category=labels["category"],
        priority=labels["priority"],
        sentiment=float(labels["sentiment"]),
        entities=_expected(labels, "entities", text, where),
        facts=_expected(labels, "facts", text, where),
        promises=Expected(tuple(_place(by, quote, text, where, due) for by, quote, due in labels["promises"])),
        risks=frozenset(labels["risks"]),
    )


def _expected(labels: dict[str, Any], name: str, text: str, where: str) -> Expected:
    return Expected(
        tuple(_place(kind, said, text, where) for kind, said in labels[name]),
        tuple(_place(kind, said, text, where) for kind, said in labels.get(f"{name}_also", ())),
    )


def _place(kind: str, said: str, text: str, where: str, due: str | None = None) -> Place:
    start = text.find(said)
    if not said or start < 0:
        raise ValueError(f"{where}: {said!r} does not stand in the text")
    return Place(kind, start, start + len(said), due)
