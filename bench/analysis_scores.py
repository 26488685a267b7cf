"""How far an analysis agrees with the labels of a message, counted over many messages."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bench.analysis_cases import Case, Expected, Place
from shared.models.analysis import ContextFact, MessageAnalysis

# Between these the label is `neutral`; an engine is free to draw its own lines.
_FELT = 0.3
# The labels name no products, and nobody agrees which words are one.
_UNLABELLED = ("product",)


@dataclass(slots=True)
class Tally:
    """Right, wrong and missed answers."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """The share of what was said that is right; None where nothing was said."""
        said = self.right + self.wrong
        return self.right / said if said else None

    @property
    def recall(self) -> float | None:
        """The share of what was to be said that was; None where there was nothing."""
        wanted = self.right + self.missed
        return self.right / wanted if wanted else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None where nothing was said and nothing was to be."""
        counted = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / counted if counted else None


@dataclass(slots=True)
class Scores:
    """What was counted: tallies by question and label, and how far the sentiment is off."""

    messages: int = 0
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    off: list[float] = field(default_factory=list)
    opposite: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    def tally(self, question: str, label: str = "") -> Tally:
        """Return the tally of a question, or of one of its labels."""
        return self.tallies.setdefault((question, label), Tally())

    def add(self, case: Case, said: MessageAnalysis, kept: Iterable[ContextFact]) -> None:
        """Count one analysis; `kept` are the facts of it that enter a contact's context."""
        self.messages += 1
        given = said.classification
        self._chosen("intent", given.intent if given.intent in case.intents else case.intents[0], given.intent)
        self._chosen("category", case.category, given.category)
        self._chosen("priority", case.priority, given.priority)
        self._language(case.language, given.language)
        self._feeling(case.sentiment, said)
        self._found("entity", case.entities, _entities(said))
        self._found("fact", case.facts, [Place(each.type, each.start, each.end) for each in kept])
        promised = [Place(e.by, e.start, e.end, e.due.isoformat() if e.due else None) for e in said.promises]
        self._found("promise", case.promises, promised)
        for risk in case.risks | set(said.risks):
            self._count("risk", risk, wanted=risk in case.risks, given=risk in said.risks)

    def _chosen(self, question: str, wanted: str, given: str) -> None:
        for label in {wanted, given}:
            self._count(question, label, wanted=label == wanted, given=label == given)

    def _language(self, wanted: str, given: str) -> None:
        if given == "unknown":
            self.unknown["language"] += 1
            self.tally("language").missed += 1
        else:
            self._chosen("language", wanted, given)

    def _feeling(self, wanted: float, said: MessageAnalysis) -> None:
        if said.sentiment.label == "unknown":
            self.unknown["sentiment"] += 1
            return
        score = said.sentiment.score
        self.off.append(abs(score - wanted))
        truth = "negative" if wanted <= -_FELT else "positive" if wanted >= _FELT else "neutral"
        self.opposite += {truth, said.sentiment.label} == {"negative", "positive"}
        self._chosen("sentiment", truth, said.sentiment.label)

    def _found(self, question: str, expected: Expected, said: list[Place]) -> None:
        open_ = list(expected.needed)
        for place in said:
            hit = next((each for each in open_ if each.covers(place) and each.due == place.due), None)
            if hit:
                open_.remove(hit)
            elif any(each.covers(place) for each in expected.tolerated) or _said_again(place, expected, open_):
                continue
            self._count(question, place.kind, wanted=hit is not None, given=True)
        for place in open_:
            self._count(question, place.kind, wanted=True, given=False)

    def _count(self, question: str, label: str, *, wanted: bool, given: bool) -> None:
        for tally in (self.tally(question), self.tally(question, label)):
            tally.right += wanted and given
            tally.wrong += given and not wanted
            tally.missed += wanted and not given


def _said_again(place: Place, expected: Expected, open_: list[Place]) -> bool:
    """A second mention of what was found is neither right nor wrong."""
    return any(each.covers(place) and each.due == place.due and each not in open_ for each in expected.needed)


def _entities(said: MessageAnalysis) -> list[Place]:
    return [Place(each.type, each.start, each.end) for each in said.entities if each.type not in _UNLABELLED]


def numbers(scores: Scores) -> Iterator[tuple[str, float]]:
    """Yield the figures by name: shares from 0 to 1; a share of nothing is left out."""
    for (question, label), tally in sorted(scores.tallies.items()):
        name = f"{question}_{label}" if label else question
        for what in ("precision", "recall", "f1"):
            value: float | None = getattr(tally, what)
            if value is not None:
                yield f"{name}_{what}", value
    if scores.off:
        yield "sentiment_mean_error", sum(scores.off) / len(scores.off)
    yield "sentiment_opposite", float(scores.opposite)
    yield "sentiment_unknown", float(scores.unknown["sentiment"])
    yield "language_unknown", float(scores.unknown["language"])
