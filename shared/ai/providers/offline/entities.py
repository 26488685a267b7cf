"""Everything named in a text, each character used once."""

from collections.abc import Iterable
from datetime import datetime

from shared.ai.providers.offline.addresses import companies, emails, people, phones, urls
from shared.ai.providers.offline.amounts import amounts
from shared.ai.providers.offline.dates import dates
from shared.ai.providers.offline.places import places
from shared.ai.providers.offline.references import references
from shared.models.analysis import Entity

_MOST = 50
_RANK = ("email", "url", "order", "ticket", "amount", "date", "phone", "person", "organization", "place", "product")


def _resolved(candidates: Iterable[Entity], length: int) -> list[Entity]:
    """Of overlapping ones the longest, of equally long ones the one whose pattern is surer."""
    taken = bytearray(length)
    kept = []
    for entity in sorted(candidates, key=lambda each: (each.start - each.end, _RANK.index(each.type), each.start)):
        if not any(taken[entity.start : entity.end]):
            taken[entity.start : entity.end] = b"\x01" * (entity.end - entity.start)
            kept.append(entity)
    return sorted(kept, key=lambda each: each.start)[:_MOST]


def extract(text: str, language: str, sent_at: datetime) -> list[Entity]:
    """At most 50 entities in the order they stand; `text[start:end]` is each one's `text`."""
    found = [
        *emails(text),
        *urls(text),
        *phones(text, language),
        *amounts(text, language),
        *references(text, language),
        *dates(text, language, sent_at),
        *people(text, language),
        *companies(text),
        *places(text),
    ]
    return _resolved(found, len(text))
