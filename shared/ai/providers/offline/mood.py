"""What the words of feeling mean in the message they stand in: praise for what went wrong is none."""

from dataclasses import dataclass

from shared.ai.providers.offline.phrases import contains, hits, score
from shared.models.analysis import Sentiment

_SURELY_MOCKED = 2
_BITTER = -0.6
_COMPLAINED = -0.5
_IN_DANGER = -0.5
_BOTHERED = -0.1
_COMPLAINT_PHRASE = 3


@dataclass(frozen=True, slots=True)
class Mood:
    """Whether something went wrong, and whether it is praised for that."""

    troubled: bool
    mocking: bool


def mood_of(folded: str, language: str) -> Mood:
    """Read off the problems named and the phrases sarcasm is made of."""
    troubled = contains(folded, language, "fact.support")
    troubled = troubled or score(folded, language, "intent.complaint") >= _COMPLAINT_PHRASE
    return Mood(troubled, troubled and score(folded, language, "sarcasm") >= _SURELY_MOCKED)


def without_mockery(folded: str, language: str) -> str:
    """The text without the phrases that sarcasm is most often made of: "bravo" alone praises nobody for certain."""
    for hit in hits(folded, language, "sarcasm"):
        if hit.entry.weight >= _SURELY_MOCKED:
            folded = folded[: hit.start] + " " * (hit.end - hit.start) + folded[hit.end :]
    return folded


def in_context(sentiment: Sentiment, mood: Mood, *, endangered: bool) -> Sentiment:
    """The feeling as far as it can be told: `unknown` for praise and problems side by side."""
    if sentiment.label == "unknown":
        return sentiment
    if mood.mocking:
        return at_most(sentiment, _BITTER)
    if mood.troubled and sentiment.label == "positive":
        return Sentiment(label="unknown", score=0.0)
    if endangered:
        return at_most(sentiment, _IN_DANGER)
    if mood.troubled and sentiment.score == 0:
        # A problem that is told without a word of feeling.
        return sentiment.model_copy(update={"score": _BOTHERED})
    return sentiment


def complained(sentiment: Sentiment) -> Sentiment:
    """Whoever complains is not pleased, whatever the words; what is unknown stays so."""
    return sentiment if sentiment.label == "unknown" else at_most(sentiment, _COMPLAINED)


def at_most(sentiment: Sentiment, score: float) -> Sentiment:
    """The feeling, or the negative `score` where that is lower."""
    return sentiment if sentiment.score <= score else Sentiment(label="negative", score=score)
