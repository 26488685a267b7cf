"""What a message wants: intent, category and priority by weighed phrases."""

import re
from dataclasses import dataclass
from typing import get_args

from shared.ai.providers.offline.lexicon import fold
from shared.ai.providers.offline.phrases import contains, hits, negated, score
from shared.models.analysis import Category, Classification, Intent, Priority, Sentiment

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
_MACHINE: tuple[Intent, ...] = ("newsletter", "auto_reply")
_SURE_MACHINE = 6
_CLEARLY_ASKED = 5
_SHOUTED = re.compile(r"!{2,}|(?:\b[A-Z]{2,}\b\s+){3}")
_REPLY = re.compile(r"(?:re|aw|antw|sv|vs|tr|rif|res|odp|ynt|fwd?|wg|rv|enc|i):")
_VERY_NEGATIVE = -0.4
_STRONG = 0.4


@dataclass(frozen=True, slots=True)
class Message:
    """What the rules look at: folded subject and body, the text as written, its language and how it feels."""

    subject: str
    body: str
    written: str
    language: str
    sentiment: Sentiment


def read(subject: str, text: str, language: str, sentiment: Sentiment) -> Message:
    """A message in the form the rules take."""
    return Message(fold(subject), fold(text), text, language, sentiment)


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
    return scores


def intent_of(message: Message) -> Intent:
    """The highest score; a machine's mail is recognised before anything a person could want."""
    scores = _intent_scores(message)
    for machine in _MACHINE:
        if scores[machine] >= _SURE_MACHINE:
            return machine
        scores[machine] = 0
    best = max(_INTENTS, key=lambda intent: (scores[intent], -_INTENTS.index(intent)))
    if scores[best] <= 1 and abs(message.sentiment.score) >= _STRONG and "?" not in message.written:
        return "feedback"
    return best if scores[best] > 0 else "other"


def category_of(message: Message, intent: Intent) -> Category:
    """The department: by its words, with a head start for the one the intent belongs to."""
    if intent == "auto_reply":
        return "other"
    home = _CATEGORY_OF.get(intent)
    together = f"{message.subject} \n {message.body}"
    scores: dict[Category, int] = {}
    for category in get_args(Category)[:-1]:
        scores[category] = score(together, message.language, f"category.{category}")
        scores[category] += _FROM_INTENT if category == home else 0
    if intent != "newsletter":
        scores["marketing"] = 0
    best = max(scores, key=lambda category: (scores[category], category == home))
    return best if scores[best] > 0 else "other"


def _urgency(message: Message) -> int:
    together = f"{message.subject} \n {message.body}"
    if contains(together, message.language, "unhurried"):
        return -1
    found = {
        hit.entry.phrase: hit.entry.weight
        for hit in hits(together, message.language, "urgent")
        if not negated(together, hit.start, message.language)
    }
    return min(3, sum(found.values()) // 2)


def priority_of(message: Message, intent: Intent, *, due_soon: bool) -> Priority:
    """From urgent words, a complaint, anger, shouting and a date within two days; machines' mail is low."""
    if intent in _MACHINE:
        return "low"
    points = _urgency(message)
    points += intent == "complaint"
    points += message.sentiment.score <= _VERY_NEGATIVE
    points += message.sentiment.label != "positive" and _SHOUTED.search(message.written) is not None
    points += due_soon and intent not in _QUIET
    if points >= 3:
        return "urgent"
    if points == 2:
        return "high"
    return "low" if points < 0 or (intent in _QUIET and points == 0) else "normal"


def classify(message: Message, *, due_soon: bool) -> Classification:
    """All four answers about one message; `due_soon` says it names a date within two days."""
    intent = intent_of(message)
    return Classification(
        intent=intent,
        category=category_of(message, intent),
        priority=priority_of(message, intent, due_soon=due_soon),
        language=message.language,
    )
