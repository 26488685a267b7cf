"""What a model says of a text, held against the text: only what stands there is kept."""

import re
from collections.abc import Iterator

from shared.models.analysis import Entity, MessageAnalysis

# Tag characters, variation selectors, zero-width and direction marks: a reader does not see them, a model does.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return what a person would read of `text`."""
    return _INVISIBLE.sub("", text)


def grounded(analysis: MessageAnalysis, text: str) -> MessageAnalysis:
    """Return the analysis with the entities and quotes that stand in `text`, entities at the offsets where they do."""
    entities = [
        entity.model_copy(update={"start": start, "end": start + len(entity.text)})
        for entity, start in _found(analysis.entities, text)
    ]
    facts = [fact for fact in analysis.facts if fact.quote and fact.quote in text]
    return analysis.model_copy(update={"entities": entities, "facts": facts})


def _found(entities: list[Entity], text: str) -> Iterator[tuple[Entity, int]]:
    """Models can't count: an offset that is wrong is looked for, the second mention after the first."""
    after: dict[tuple[str, str], int] = {}
    for entity in entities:
        if not entity.text:
            continue
        if text[entity.start : entity.start + len(entity.text)] == entity.text:
            yield entity, entity.start
            continue
        key = (entity.type, entity.text)
        start = text.find(entity.text, after.get(key, 0))
        if start >= 0:
            after[key] = start + len(entity.text)
            yield entity, start
