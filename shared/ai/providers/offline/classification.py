"""What a message wants: intent, category and priority by weighed phrases."""

import re
from dataclasses import dataclass
from typing import get_args

from shared.ai.providers.offline.lexicon import fold
from shared.ai.providers.offline.mood import Mood
from shared.ai.providers.offline.phrases import contains, hits, negated, score
from shared.ai.providers.offline.risks import says
from shared.models.analysis import Category, Classification, Intent, Priority, Risk, Sentiment

# In a tie the earlier one wins: the one that costs more when it is missed.
_INTENTS: tuple[Intent, ...] = (
    "auto_reply", "newsletter", "refund", "cancellation", "complaint", "appraisal", "order", "appointment", "support",
    "sales", "feedback", "request", "question", "thanks",
)  # fmt: skip
_CATEGORY_OF: dict[Intent, Category] = {
    "refund": "billing", "cancellation": "account", "order": "sales", "sales": "sales", "support": "support",
    "appointment": "scheduling", "appraisal": "appraisal", "newsletter": "marketing",
}  # fmt: skip
_FROM_INTENT = 3
_QUIET: tuple[Intent, ...] = ("newsletter", "auto_reply", "thanks", "feedback")
MACHINE: tuple[Intent, ...] = ("newsletter", "auto_reply")
_SURE_MACHINE = 6
_CLEARLY_ASKED = 5
_SHOUTED = re.compile(r"!{2,}|(?:\b[A-Z]{2,}\b\s+){3}")
_REPLY = re.compile(r"(?:re|aw|antw|sv|vs|tr|rif|res|odp|ynt|fwd?|wg|rv|enc|i):")
_VERY_NEGATIVE = -0.4
_STRONG = 0.4
_MOCKED = 4
_HIGH = 2


@dataclass(frozen=True, slots=True)
class Message:
    """What the rules look at: folded subject and body, the text as written, its language and how it feels."""

    subject: str
    body: str
    written: str
    language: str
    sentiment: Sentiment
    mood: Mood

    @property
    def together(self) -> str:
        """Subject and body."""
        return f"{self.subject} \n {self.body}"


@dataclass(frozen=True, slots=True)
class Pressing:
    """What hurries: a date within two days, a promise of the reader's that was not kept, risks."""

    due_soon: bool
    overdue: bool
    risks: frozenset[Risk]


def read(subject: str, text: str, language: str, sentiment: Sentiment, mood: Mood) -> Message:
    """A message in the form the rules take."""
    return Message(fold(subject), fold(text), text, language, sentiment, mood)


def _intent_scores(message: Message) -> dict[Intent, float]:
    scores: dict[Intent, float] = {}
    # A subject says in five words what the text says in fifty, but replies inherit it.
    weight = 0.25 if _REPLY.match(message.subject) else 0.75
    for intent in _INTENTS:
        name = f"intent.{intent}"
        scores[intent] = score(message.body, message.language, name)
        scores[intent] += weight * score(message.subject, message.language, name)
    for asking in ("question", "request"):
        # Courtesy stands in nearly every message, so it may name the intent but not outweigh a matter.
        scores[asking] = min(scores[asking], 3.5)
    scores["thanks"] = min(scores["thanks"], 4)
    if "?" in message.written:
        scores["question"] += 1
        scores["thanks"] = min(scores["thanks"], 0.5)
    if message.sentiment.label == "negative" and scores["complaint"]:
        scores["complaint"] += 2
    asked = max(scores["refund"], scores["cancellation"])
    if asked >= _CLEARLY_ASKED:
        # What somebody wants done outweighs how they say it; the anger shows in priority and sentiment.
        scores["complaint"] = min(scores["complaint"], asked)
    if message.sentiment.label == "negative":
        scores["thanks"] = 0
    if message.mood.mocking:
        scores["complaint"] += _MOCKED
        scores["feedback"] = 0
    return scores


def intent_of(message: Message) -> Intent:
    """The highest score; a machine's mail is recognised before anything a person could want."""
    scores = _intent_scores(message)
    for machine in MACHINE:
        if scores[machine] >= _SURE_MACHINE:
            return machine
        scores[machine] = 0
    best = max(_INTENTS, key=lambda intent: (scores[intent], -_INTENTS.index(intent)))
    if scores[best] <= 1 and "?" not in message.written:
        if message.sentiment.score >= _STRONG:
            return "feedback"
        if message.mood.troubled:
            return "complaint" if message.sentiment.score <= -_STRONG else "support"
    return best if scores[best] > 0 else "other"


def category_of(message: Message, intent: Intent) -> Category:
    """The department: by its words, with a head start for the one the intent belongs to."""
    if intent == "auto_reply":
        return "other"
    home = _CATEGORY_OF.get(intent)
    scores: dict[Category, int] = {}
    for category in get_args(Category)[:-1]:
        scores[category] = score(message.together, message.language, f"category.{category}")
        scores[category] += _FROM_INTENT if category == home else 0
    if intent != "newsletter":
        scores["marketing"] = 0
    best = max(scores, key=lambda category: (scores[category], category == home))
    # Somebody has to look into a problem that names no department.
    return best if scores[best] > 0 else "support" if intent == "complaint" or message.mood.troubled else "other"


def _urgency(message: Message) -> int:
    """Points for being in a hurry, at most 2."""
    found = {
        hit.entry.phrase: hit.entry.weight
        for hit in hits(message.together, message.language, "urgent")
        if not negated(message.together, hit.start, message.language)
    }
    points = sum(found.values()) // 2
    return min(2, points + (points > 0 and message.mood.troubled))


def _weight(message: Message, intent: Intent, pressing: Pressing) -> int:
    points = _urgency(message)
    points += 2 * (intent == "complaint") + 2 * pressing.overdue
    points += 2 * bool(pressing.risks & {"legal_threat", "abuse"})
    points += message.sentiment.score <= _VERY_NEGATIVE
    points += message.sentiment.label != "positive" and _SHOUTED.search(message.written) is not None
    points += pressing.due_soon and intent not in _QUIET
    return points


def priority_of(message: Message, intent: Intent, pressing: Pressing) -> Priority:
    """`urgent` for danger and for emergencies with something wrong, `high` for complaints, threats and what is due.

    Machines' mail is low, and so is what wants no answer or is said to have time.
    """
    if intent in MACHINE:
        return "low"
    if "safety" in pressing.risks or (message.mood.troubled and says(message.together, message.language, "emergency")):
        return "urgent"
    if contains(message.together, message.language, "unhurried"):
        return "low"
    points = _weight(message, intent, pressing)
    if points >= _HIGH:
        return "high"
    return "low" if intent in _QUIET and points == 0 else "normal"


def classify(message: Message, intent: Intent, pressing: Pressing) -> Classification:
    """All four answers about one message."""
    return Classification(
        intent=intent,
        category=category_of(message, intent),
        priority=priority_of(message, intent, pressing),
        language=message.language,
    )
