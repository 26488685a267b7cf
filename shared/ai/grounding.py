"""What a model says of a text, held against the text: only what stands there is kept."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from shared.models.analysis import ContextFact, Entity, MessageAnalysis, Promise

Spoken = TypeVar("Spoken", Entity, ContextFact, Promise)

# Tag characters, variation selectors, zero-width and direction marks: a reader does not see them, a model does.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return what a person would read of `text`."""
    return _INVISIBLE.sub("", text)


def grounded(analysis: MessageAnalysis, text: str) -> MessageAnalysis:
    """Return the analysis with the entities, facts and promises that stand in `text`, at the offsets where they do."""
    return analysis.model_copy(
        update={
            "entities": list(_placed(analysis.entities, lambda entity: entity.text, text)),
            "facts": list(_placed(analysis.facts, lambda fact: fact.quote, text, again=True)),
            "promises": list(_placed(analysis.promises, lambda promise: promise.quote, text, again=True)),
        }
    )


def _placed(
    spoken: list[Spoken], words: Callable[[Spoken], str], text: str, *, again: bool = False
) -> Iterator[Spoken]:
    """Models can't count: an offset that is wrong is looked for, the second mention after the first."""
    after: dict[str, int] = {}
    for each in spoken:
        said = words(each)
        if not said:
            continue
        start = each.start
        if text[start : start + len(said)] != said:
            start = text.find(said, after.get(said, 0))
            # Two facts may stand in the same words, two mentions of a name not.
            start = text.find(said) if start < 0 and again else start
        if start >= 0:
            after[said] = start + len(said)
            yield each.model_copy(update={"start": start, "end": start + len(said)})
