"""What was promised, by the writer with a date or by the reader as the writer recalls it."""

from datetime import date
from typing import Literal

from shared.ai.providers.offline.facts import quote_of
from shared.ai.providers.offline.lexicon import words
from shared.ai.providers.offline.phrases import WORD, Hit, hits, negated
from shared.ai.providers.offline.sentences import Sentence
from shared.ai.providers.offline.summary import plain
from shared.models.analysis import Entity, Promise

_MOST = 10
_REACH = 3


def _conditional(folded: str, hit: Hit, language: str) -> bool:
    """Whether it hangs on something: "or I will report you" threatens, "if you agree I will pay" waits."""
    before = WORD.findall(folded[max(0, hit.start - 60) : hit.start])[-_REACH:]
    return any(word in words(language, "conditional") for word in before)


def _promised_by(folded: str, language: str, *, dated: bool) -> Literal["writer", "reader"] | None:
    if any(not negated(folded, hit.start, language) for hit in hits(folded, language, "promise.reader")):
        return "reader"
    said = hits(folded, language, "fact.commitment") if dated else ()
    return "writer" if any(not _conditional(folded, hit, language) for hit in said) else None


def _day(sentence: Sentence, entities: list[Entity]) -> date | None:
    within = (each for each in entities if each.type == "date" and sentence.start <= each.start < sentence.end)
    return next((date.fromisoformat(each.value[:10]) for each in within), None)


def promises(sentences: list[Sentence], language: str, entities: list[Entity]) -> list[Promise]:
    """At most 10, due on the first date of the sentence; the writer's own count only with one."""
    found: list[Promise] = []
    for sentence in sentences:
        due = _day(sentence, entities)
        by = _promised_by(sentence.folded, language, dated=due is not None)
        if by is None:
            continue
        quote = quote_of(sentence)
        end = sentence.start + len(quote)
        found.append(Promise(by=by, what=plain(quote), due=due, quote=quote, start=sentence.start, end=end))
    return found[:_MOST]
