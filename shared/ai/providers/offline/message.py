"""One message through all the rules."""

from datetime import datetime, timedelta

from shared.ai.providers.offline.classification import classify, read
from shared.ai.providers.offline.entities import extract
from shared.ai.providers.offline.facts import facts, promises
from shared.ai.providers.offline.language import detect
from shared.ai.providers.offline.lexicon import fold
from shared.ai.providers.offline.phrases import hits
from shared.ai.providers.offline.sentences import Sentence, split
from shared.ai.providers.offline.sentiment import measure
from shared.ai.providers.offline.summary import plain, summarise, topics
from shared.models.analysis import Classification, Entity, MessageAnalysis, Sentiment

_SOON = timedelta(days=2)
_TEXT_CHARS = 20_000
_SUBJECT_CHARS = 500
_SENTENCES = 400
_TAG_TOPICS = 4


def _without_greeting(folded: str, language: str) -> str:
    """A sentence that starts with "bom dia" wishes well and says nothing of what follows."""
    first = next(hits(folded[:40], language, "greetings"), None)
    return folded[first.end :] if first is not None and first.start == 0 else folded


def _feeling(text: str, sentences: list[Sentence], language: str) -> Sentiment:
    # A message that is only "Many thanks!" has no body but says how the writer feels.
    parts = [each.text for each in sentences] or [plain(text)]
    return measure(parts if language == "en" else [_without_greeting(fold(part), language) for part in parts], language)


def _due_soon(entities: list[Entity], sent_at: datetime) -> bool:
    first, last = sent_at.date().isoformat(), (sent_at + _SOON).date().isoformat()
    return any(entity.type == "date" and first <= entity.value[:10] <= last for entity in entities)


def _tags(classification: Classification, sentiment: Sentiment, subjects: list[str]) -> list[str]:
    tags: list[str] = [classification.category, classification.intent]
    if classification.priority in ("high", "urgent"):
        tags.append(f"priority-{classification.priority}")
    if sentiment.label == "negative":
        tags.append("unhappy")
    return [tag for tag in dict.fromkeys([*tags, *subjects[:_TAG_TOPICS]]) if tag != "other"]


def analyse(text: str, *, subject: str, sent_at: datetime) -> MessageAnalysis:
    """What the rules find in the first 20 000 characters."""
    text, subject = text[:_TEXT_CHARS], subject[:_SUBJECT_CHARS]
    language = detect(text) if text.strip() else detect(subject)
    sentences = split(text, language)[:_SENTENCES]
    entities = extract(text, language, sent_at)
    sentiment = _feeling(text, sentences, language)
    classification = classify(read(subject, text, language, sentiment), due_soon=_due_soon(entities, sent_at))
    automatic = classification.intent in ("newsletter", "auto_reply")
    if automatic:
        # A machine's mail has no feelings, whatever its words.
        sentiment = Sentiment(label="neutral", score=0.0)
    subjects = topics(subject, sentences, language, entities)
    kept = [] if automatic else facts(sentences, language, entities)
    return MessageAnalysis(
        classification=classification,
        sentiment=sentiment,
        entities=entities,
        summary=summarise(sentences, language, entities, fallback=subject.strip() or text),
        topics=subjects,
        promises=promises(kept, entities),
        facts=kept,
        tags=_tags(classification, sentiment, subjects),
        risks=[],
    )
