"""One message through all the rules."""

from datetime import datetime, timedelta

from shared.ai.providers.offline.classification import MACHINE, Pressing, classify, intent_of, read
from shared.ai.providers.offline.entities import extract
from shared.ai.providers.offline.facts import facts
from shared.ai.providers.offline.language import detect
from shared.ai.providers.offline.lexicon import fold
from shared.ai.providers.offline.mood import Mood, at_most, complained, in_context, mood_of, without_mockery
from shared.ai.providers.offline.phrases import hits
from shared.ai.providers.offline.promises import promises
from shared.ai.providers.offline.risks import risks, says
from shared.ai.providers.offline.sentences import Sentence, split
from shared.ai.providers.offline.sentiment import measure
from shared.ai.providers.offline.summary import plain, summarise, topics
from shared.ai.steering import without_steering
from shared.models.analysis import Classification, Entity, Intent, MessageAnalysis, Promise, Risk, Sentiment

_SOON = timedelta(days=2)
_TEXT_CHARS = 20_000
_SUBJECT_CHARS = 500
_SENTENCES = 400
_TAG_TOPICS = 4
_ABUSIVE = -0.8


def _without_greeting(folded: str, language: str) -> str:
    """A sentence that starts with "bom dia" wishes well and says nothing of what follows."""
    first = next(hits(folded[:40], language, "greetings"), None)
    return folded[first.end :] if first is not None and first.start == 0 else folded


def _felt(text: str, sentences: list[Sentence], language: str) -> Sentiment:
    """The feeling of the words; `unknown` where praise is made of nothing but what sarcasm is made of too."""
    # A message that is only "Many thanks!" has no body but says how the writer feels.
    parts = [each.text for each in sentences] or [plain(text)]
    folded = [_without_greeting(fold(part), language) for part in parts]
    sentiment = measure(parts if language == "en" else folded, language)
    certain = [without_mockery(part, language) for part in folded]
    if sentiment.label == "positive" and certain != folded and measure(certain, language).label != "positive":
        return Sentiment(label="unknown", score=0.0)
    return sentiment


def _settled(sentiment: Sentiment, intent: Intent, found: list[Risk]) -> Sentiment:
    if intent in MACHINE:
        # A machine's mail has no feelings, whatever its words.
        return Sentiment(label="neutral", score=0.0)
    if "abuse" in found:
        return at_most(sentiment, _ABUSIVE)
    return complained(sentiment) if intent == "complaint" else sentiment


def _broken(promised: list[Promise], sent_at: datetime) -> bool:
    return any(each.by == "reader" and each.due is not None and each.due < sent_at.date() for each in promised)


def _endangered(folded: str, language: str, mood: Mood) -> bool:
    return says(folded, language, "risk.safety") or (mood.troubled and says(folded, language, "emergency"))


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
    """What the rules find in the first 20 000 characters; words meant for a machine are named as such, not followed."""
    whole = text[:_TEXT_CHARS]
    text, steered = without_steering(whole)
    subject, steered_above = without_steering(subject[:_SUBJECT_CHARS])
    language = detect(text) if text.strip() else detect(subject)
    sentences = split(text, language)[:_SENTENCES]
    entities = extract(whole, language, sent_at)
    folded = fold(text)
    mood = mood_of(folded, language)
    sentiment = in_context(_felt(text, sentences, language), mood, endangered=_endangered(folded, language, mood))
    message = read(subject, text, language, sentiment, mood)
    intent = intent_of(message)
    automatic = intent in MACHINE
    found = risks(folded, language, links=any(each.type == "url" for each in entities), automatic=automatic)
    sentiment = _settled(sentiment, intent, found)
    promised = [] if automatic else promises(sentences, language, entities)
    pressing = Pressing(
        due_soon=_due_soon(entities, sent_at), overdue=_broken(promised, sent_at), risks=frozenset(found)
    )
    classification = classify(message, intent, pressing)
    subjects = topics(subject, sentences, language, entities)
    return MessageAnalysis(
        classification=classification,
        sentiment=sentiment,
        entities=entities,
        summary=summarise(sentences, language, entities, fallback=subject.strip() or text),
        topics=subjects,
        promises=promised,
        facts=[] if automatic else facts(sentences, language, promised),
        tags=_tags(classification, sentiment, subjects),
        risks=["instructions", *found] if steered or steered_above else found,
    )
