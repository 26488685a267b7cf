"""Facts worth keeping about a contact, each with the words it stands in."""

from shared.ai.providers.offline.phrases import hits, negated
from shared.ai.providers.offline.sentences import Sentence
from shared.ai.providers.offline.summary import plain
from shared.models.analysis import ContextFact, ContextType, Promise

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


def quote_of(sentence: Sentence) -> str:
    """The words of a sentence that are kept: whole ones, at most 450 characters."""
    if len(sentence.text) <= _QUOTE_CHARS:
        return sentence.text
    return sentence.text[:_QUOTE_CHARS].rsplit(" ", 1)[0]


def _says(folded: str, language: str, kind: ContextType) -> bool:
    found = hits(folded, language, f"fact.{kind}")
    return any(kind not in _REFUSABLE or not negated(folded, hit.start, language) for hit in found)


def _kinds(sentence: Sentence, language: str) -> list[ContextType]:
    said = [kind for kind in _LEAD if kind != "commitment" and _says(sentence.folded, language, kind)]
    # Whoever wants a piece valued is not also shopping for it.
    return [kind for kind in said if kind != "sales" or "appraisal" not in said]


def _asked_again(fact: ContextFact, found: list[ContextFact]) -> bool:
    """A question after the statement it belongs to says nothing new: "What does an appraisal cost?"."""
    return (
        fact.type in _REFUSABLE
        and fact.quote.endswith("?")
        and any(each.type == fact.type and each is not fact for each in found)
    )


def facts(sentences: list[Sentence], language: str, promised: list[Promise]) -> list[ContextFact]:
    """At most 20, in the order they stand; what was promised is a commitment."""
    starts = {promise.start for promise in promised}
    found: list[ContextFact] = []
    for sentence in sentences:
        kinds = _kinds(sentence, language)
        if sentence.start in starts:
            kinds = [*kinds, "commitment"]
        for kind in kinds:
            quote = quote_of(sentence)
            end = sentence.start + len(quote)
            said = f"{_LEAD[kind]}: {plain(quote)}"
            found.append(ContextFact(type=kind, fact=said, quote=quote, start=sentence.start, end=end))
    return [fact for fact in found if not _asked_again(fact, found)][:_MOST]
