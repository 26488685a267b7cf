"""From what an engine answered to what is stored of it: here code decides, whatever the engine is or was told."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.ai.entity_values import with_settled_value
from shared.ai.grounding import grounded
from shared.ai.masking import Mask
from shared.ai.masking_numbers import Found, Kind
from shared.ai.seen import Seen
from shared.ai.steering import steers, with_steering_as
from shared.ai.wording import TAKEN_OUT, Wording
from shared.analysis.written import written_in
from shared.models.analysis import (
    ContextFact,
    Entity,
    EntityType,
    MessageAnalysis,
    Promise,
    Risk,
    Sentiment,
    SentimentLabel,
)
from shared.models.text import visible

_MACHINES = ("newsletter", "auto_reply")
_MEASURED: tuple[Risk, ...] = ("hidden_text", "cut_text")
_KINDS: dict[Kind, EntityType] = {"EMAIL": "email", "PHONE": "phone"}
_SCORES: dict[SentimentLabel, tuple[float, float]] = {
    "unknown": (0.0, 0.0),
    "negative": (-1.0, 0.0),
    "positive": (0.0, 1.0),
}
_MOST_ENTITIES = 50
_READ_FOR_STEERING = 40_000
_MOST_CHARACTERS = {"summary": 1000, "fact": 500, "quote": 500, "entity": 200}


@dataclass(frozen=True, slots=True)
class Given:
    """What an engine was given of a message and its subject, with what was put in place of what."""

    seen: Seen
    subject: Seen
    mask: Mask | None = None
    hidden: bool = False

    def restored(self, text: str) -> str:
        """Return an engine's words with what was masked put back."""
        return self.mask.restored(text) if self.mask else text


@dataclass(frozen=True, slots=True)
class Findings:
    """`analysis` is what the message's row shows; `facts` are those of it that may enter the contact's context."""

    analysis: MessageAnalysis
    facts: list[ContextFact]


def findings(answered: MessageAnalysis, given: Given, *, inbound: bool) -> Findings:
    """Return what is believed of an answer.

    Every offset is one of the message, every quote stands there, every text is plain and within its limit, and names
    neither links nor addresses, ids or long numbers that the message has not.
    """
    found = grounded(answered, given.seen.text)
    wording = Wording(f"{visible(given.subject.message)}\n{visible(given.seen.message)}")
    risks = _risks(found.risks, given)
    facts = [each for fact in found.facts if (each := _fact(fact, given, wording))]
    analysis = found.model_copy(
        update={
            "sentiment": _coherent(found.sentiment),
            "entities": _entities(found.entities, given),
            "summary": with_steering_as(TAKEN_OUT, _own_words(found.summary, given, wording, "summary")),
            "topics": wording.labels(list(map(given.restored, found.topics))),
            "promises": [said for promise in found.promises if (said := _promise(promise, given, wording))],
            "facts": facts,
            "tags": wording.labels([tag.lower() for tag in map(given.restored, found.tags)]),
            "risks": risks,
        }
    )
    trusted = inbound and found.classification.intent not in _MACHINES and "instructions" not in risks
    written = written_in(given.seen.message)
    kept = [fact for fact in facts if trusted and written.holds(fact.start, fact.end)]
    return Findings(MessageAnalysis.model_validate(analysis.model_dump()), kept)


def _entities(named: Iterable[Entity], given: Given) -> list[Entity]:
    """What was masked is known better than any engine tells it; what it says of other places is added."""
    kept = [entity for found in given.seen.found if (entity := _known(found, given))]
    taken = {place for entity in kept for place in range(entity.start, entity.end)}
    for entity in named:
        span = given.seen.shown.span(entity.start, entity.end)
        if span is None or taken.intersection(range(*span)):
            continue
        text = visible(given.seen.message[slice(*span)])
        if text and len(text) <= _MOST_CHARACTERS["entity"]:
            placed = {"text": text, "start": span[0], "end": span[1], "value": given.restored(entity.value)}
            kept.append(with_settled_value(entity.model_copy(update=placed)))
    return sorted(kept, key=lambda entity: entity.start)[:_MOST_ENTITIES]


def _known(found: Found, given: Given) -> Entity | None:
    """Return what was masked as an entity; cards and accounts are none."""
    kind = _KINDS.get(found.kind)
    text = visible(given.seen.message[found.start : found.end])
    if kind is None or max(len(text), len(found.value)) > _MOST_CHARACTERS["entity"]:
        return None
    return Entity(type=kind, text=text, value=found.value, start=found.start, end=found.end)


def _fact(fact: ContextFact, given: Given, wording: Wording) -> ContextFact | None:
    placed = _place(fact, given)
    if placed is None:
        return None
    return fact.model_copy(update={**placed, "fact": _borne_out(fact.fact, placed["quote"], given, wording)})


def _promise(promise: Promise, given: Given, wording: Wording) -> Promise | None:
    placed = _place(promise, given)
    if placed is None:
        return None
    return promise.model_copy(update={**placed, "what": _borne_out(promise.what, placed["quote"], given, wording)})


def _place(spoken: ContextFact | Promise, given: Given) -> dict[str, Any] | None:
    """Return the quote and its place in the message, None for what is not of the message or grew past its limit."""
    span = given.seen.shown.span(spoken.start, spoken.end)
    quote = visible(given.seen.message[slice(*span)]) if span else ""
    if span is None or not 0 < len(quote) <= _MOST_CHARACTERS["quote"]:
        return None
    return {"quote": quote, "start": span[0], "end": span[1]}


def _borne_out(said: str, quote: str, given: Given, wording: Wording) -> str:
    """Return an engine's words where the message bears them out, else those of the quote."""
    own = _own_words(said, given, wording, "fact")
    unsupported = TAKEN_OUT in own or not own or steers(own) or not wording.supported(own)
    return " ".join(quote.split()) if unsupported else own


def _own_words(said: str, given: Given, wording: Wording, limit: str) -> str:
    return wording.plain(given.restored(said))[: _MOST_CHARACTERS[limit]]


def _risks(said: list[Risk], given: Given) -> list[Risk]:
    measured: list[Risk] = []
    if given.seen.hidden or given.hidden or given.subject.hidden:
        measured.append("hidden_text")
    if given.seen.cut:
        measured.append("cut_text")
    if steers(visible(f"{given.subject.message}\n\n{given.seen.message}"[:_READ_FOR_STEERING])):
        measured.append("instructions")
    return list(dict.fromkeys([*(risk for risk in said if risk not in _MEASURED), *measured]))


def _coherent(sentiment: Sentiment) -> Sentiment:
    """A feeling that is unknown has no score, and the sign is that of its name."""
    low, high = _SCORES.get(sentiment.label, (-1.0, 1.0))
    return sentiment.model_copy(update={"score": min(max(sentiment.score, low), high)})
