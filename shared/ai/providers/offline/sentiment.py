"""How the writer feels: VADER for English, our lexicons for the other languages with tables."""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import TYPE_CHECKING

from shared.ai.providers.offline.lexicon import table, words
from shared.ai.providers.offline.phrases import WORD, hits, negated
from shared.models.analysis import Sentiment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_POSITIVE_FROM = 0.2
_NEGATIVE_TO = -0.2
_FELT_FROM = 0.05
_CALM = 0.25
_SENTENCE_CHARS = 1_000
# One weak word alone stays neutral, one strong word or two weak ones do not.
_SOFTENING = 24.0
_ASKED = 0.5

# Courtesy and the words of the trade carry no feeling in business mail; VADER, made for social media, counts them.
_NO_FEELING = (
    "please", "dear", "regards", "best", "like", "support", "value", "valued", "credit", "share", "sincerely",
    "interested", "help", "thanks", "thank", "cancel", "cancelled", "charge", "charged", "interest", "yes", "no",
    "hand", "free", "urgent", "appreciate", "alert", "save", "demand", "pay", "benefit", "secure", "security", "stop",
    "pressure", "sorry", "sure", "apologise", "apologize", "apologies", "nuts", "gross", "join", "party", "accept",
    "accepted", "agree", "agreed", "cut", "suspended",
)  # fmt: skip
_SERVICE_WORDS = {
    "broken": -2.0, "damaged": -2.0, "unacceptable": -3.0, "crashing": -1.5, "crashes": -1.5,
    "crashed": -1.5, "late": -1.0, "unhelpful": -2.0, "scammers": -3.0, "nobody": -1.5, "gone": -1.0, "promised": -0.5,
    "thank": 1.0, "thanks": 1.0, "appreciate": 1.5,
}  # fmt: skip


@cache
def _vader() -> SentimentIntensityAnalyzer:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    for word in _NO_FEELING:
        analyzer.lexicon.pop(word, None)
    analyzer.lexicon.update(_SERVICE_WORDS)
    return analyzer


def _english(sentence: str) -> float:
    return float(_vader().polarity_scores(sentence)["compound"])


def _by_lexicon(sentence: str, language: str) -> float:
    """Sum of the words' weights, turned by a negation and raised by an intensifier, squeezed into -1..1."""
    total = 0.0
    intensifiers = words(language, "intensifiers")
    for name, sign in (("positive", 1.0), ("negative", -1.0)):
        for hit in hits(sentence, language, name):
            weight = sign * hit.entry.weight
            before = WORD.findall(sentence[max(0, hit.start - 30) : hit.start])[-1:]
            if before and before[0] in intensifiers:
                weight *= 1.4
            # A complaint that contains its own negation ("funktioniert nicht") is already counted as it is.
            total += -0.7 * weight if negated(sentence, hit.start, language) else weight
    return total / sqrt(total * total + _SOFTENING)


def _weighed(sentence: str, scorer: Callable[[str], float]) -> float:
    """The score of one sentence; "is that bad?" asks for a feeling more than it shows one."""
    score = scorer(sentence[:_SENTENCE_CHARS])
    return score * _ASKED if sentence.endswith("?") else score


def _mean(scores: Iterable[float]) -> float:
    """The mean over the sentences that show feeling, softened by those that show none."""
    known = list(scores)
    felt = [score for score in known if abs(score) >= _FELT_FROM]
    return sum(felt) / (len(felt) + _CALM * (len(known) - len(felt))) if felt else 0.0


def measure(sentences: list[str], language: str) -> Sentiment:
    """What most sentences that show feeling show; `unknown` for a language without a lexicon.

    `sentences` as written for English (capitals and exclamation marks count), folded for the others.
    """
    scorer: Callable[[str], float]
    if language == "en":
        scorer = _english
    elif "positive" in table(language):
        scorer = lambda sentence: _by_lexicon(sentence, language)  # noqa: E731 - one of two scorers
    else:
        return Sentiment(label="unknown", score=0.0)
    score = round(_mean(_weighed(sentence, scorer) for sentence in sentences), 4)
    if score >= _POSITIVE_FROM:
        return Sentiment(label="positive", score=score)
    return Sentiment(label="negative" if score <= _NEGATIVE_TO else "neutral", score=score)
