"""Facts worth keeping about a contact, each with the words it stands in."""

from shared.ai.providers.offline.phrases import hits, negated
from shared.ai.providers.offline.sentences import Sentence
from shared.ai.providers.offline.summary import plain
from shared.models.analysis import ContextFact, ContextType, Entity

_MOST = 20
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
                found.append(ContextFact(type=kind, fact=f"{lead}: {plain(quote)}", quote=quote))
    return found[:_MOST]
