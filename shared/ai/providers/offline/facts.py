"""Facts worth keeping about a contact and what was promised, each with the words it stands in."""

from datetime import date

from shared.ai.providers.offline.phrases import hits, negated
from shared.ai.providers.offline.sentences import Sentence
from shared.ai.providers.offline.summary import plain
from shared.models.analysis import ContextFact, ContextType, Entity, Promise

_MOST = 20
_MOST_PROMISES = 10
_QUOTE_CHARS = 450

_LEAD: dict[ContextType, str] = {
    "preference": "Preference",
    "commitment": "Commitment",
    "appraisal": "Wants an appraisal",
    "sales": "Interested",
    "support": "Had a problem",
    "profile": "About the contact",
}
# "We don't want to sell" is no interest, while "don't call" is a preference and "doesn't work" is a problem.
_REFUSABLE = frozenset({"sales", "appraisal"})


def _quote(sentence: Sentence) -> str:
    if len(sentence.text) <= _QUOTE_CHARS:
        return sentence.text
    return sentence.text[:_QUOTE_CHARS].rsplit(" ", 1)[0]


def _says(folded: str, language: str, kind: ContextType) -> bool:
    found = hits(folded, language, f"fact.{kind}")
    return any(kind not in _REFUSABLE or not negated(folded, hit.start, language) for hit in found)


def facts(sentences: list[Sentence], language: str, entities: list[Entity]) -> list[ContextFact]:
    """At most 20, in the order they stand; a promise counts only with a date in its sentence."""
    dated = [entity.start for entity in entities if entity.type == "date"]
    found: list[ContextFact] = []
    for sentence in sentences:
        folded = sentence.folded
        for kind, lead in _LEAD.items():
            if kind == "commitment" and not any(sentence.start <= start < sentence.end for start in dated):
                continue
            # Whoever wants a piece valued is not also shopping for it.
            if kind == "sales" and found and found[-1].type == "appraisal" and found[-1].quote == _quote(sentence):
                continue
            if _says(folded, language, kind):
                quote = _quote(sentence)
                end = sentence.start + len(quote)
                said = f"{lead}: {plain(quote)}"
                found.append(ContextFact(type=kind, fact=said, quote=quote, start=sentence.start, end=end))
    return found[:_MOST]


def promises(found: list[ContextFact], entities: list[Entity]) -> list[Promise]:
    """At most 10: the writer's own, due on the first date of the sentence."""
    dated = [entity for entity in entities if entity.type == "date"]
    return [
        Promise(
            by="writer", what=plain(fact.quote), due=_due(fact, dated), quote=fact.quote, start=fact.start, end=fact.end
        )
        for fact in found
        if fact.type == "commitment"
    ][:_MOST_PROMISES]


def _due(fact: ContextFact, dated: list[Entity]) -> date | None:
    return next(
        (date.fromisoformat(entity.value[:10]) for entity in dated if fact.start <= entity.start < fact.end), None
    )
