"""What a person should know before trusting a message, by the phrases of each risk."""

from shared.ai.providers.offline.phrases import hits, negated
from shared.models.analysis import Risk

_OF_ANYBODY: tuple[Risk, ...] = ("phishing", "payment_change")
_OF_PEOPLE: tuple[Risk, ...] = ("legal_threat", "churn", "safety", "abuse")
# Needs a link to lure to: "my PIN does not work" is a question.
_WITH_A_LINK: tuple[Risk, ...] = ("phishing",)


def says(folded: str, language: str, name: str) -> bool:
    """Whether a phrase of the section stands in the text and is not negated."""
    return any(not _denied(folded, hit.start, language) for hit in hits(folded, language, name))


def _denied(folded: str, start: int, language: str) -> bool:
    """Whether it is negated in its own clause: not so in "if nothing happens, my lawyer will write"."""
    clause = max(folded.rfind(stop, 0, start) for stop in ",;:.!?") + 1
    return negated(folded[clause : start + 1], start - clause, language)


def risks(folded: str, language: str, *, links: bool, automatic: bool) -> list[Risk]:
    """The risks that the words of the text show; a machine's mail threatens nobody and never leaves."""
    return [
        risk
        for risk in (*_OF_ANYBODY, *(() if automatic else _OF_PEOPLE))
        if (links or risk not in _WITH_A_LINK) and says(folded, language, f"risk.{risk}")
    ]
