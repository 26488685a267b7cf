"""What an engine says of a text, held against the text: only what stands there is kept."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from shared.models.analysis import ContextFact, Entity, MessageAnalysis, Promise

Spoken = TypeVar("Spoken", Entity, ContextFact, Promise)


def grounded(analysis: MessageAnalysis, text: str) -> MessageAnalysis:
    """Return the analysis with the entities, facts and promises that stand in `text`, at the offsets where they do.

    A quote that only differs in white space, as when its lines were joined, becomes what stands in the text.
    """
    return analysis.model_copy(
        update={
            "entities": list(_placed(analysis.entities, lambda entity: entity.text, text)),
            "facts": [_quoting(fact, text) for fact in _placed(analysis.facts, lambda fact: fact.quote, text)],
            "promises": [
                _quoting(promise, text) for promise in _placed(analysis.promises, lambda each: each.quote, text)
            ],
        }
    )


def _placed(spoken: list[Spoken], words: Callable[[Spoken], str], text: str) -> Iterator[Spoken]:
    """Models can't count: an offset that is wrong is looked for, the second mention after the first."""
    after: dict[str, int] = {}
    for each in spoken:
        said = words(each)
        if not said.strip():
            continue
        start, end = each.start, each.start + len(said)
        if text[start:end] != said:
            start, end = _found(said, text, after.get(said, 0), mention=isinstance(each, Entity))
        if start >= 0:
            after[said] = end
            yield each.model_copy(update={"start": start, "end": end})


def _found(said: str, text: str, after: int, *, mention: bool) -> tuple[int, int]:
    start = text.find(said, after)
    if start < 0 and not mention:
        # Two facts may stand in the same words, two mentions of a name not.
        start = text.find(said)
    if start >= 0 or mention:
        return start, start + len(said)
    joined = re.search(r"\s++".join(map(re.escape, said.split())), text)
    return joined.span() if joined else (-1, -1)


def _quoting(spoken: Spoken, text: str) -> Spoken:
    return spoken.model_copy(update={"quote": text[spoken.start : spoken.end]})
