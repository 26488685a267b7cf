"""The sentences and words that say most about a message."""

import re
from collections import Counter
from itertools import pairwise

from shared.ai.providers.offline.lexicon import fold, section, words
from shared.ai.providers.offline.phrases import WORD, score
from shared.ai.providers.offline.sentences import Sentence
from shared.models.analysis import Entity

_ELIDED = re.compile(r"^[a-z]{1,4}'(?=\w{3})")
_SUMMARY_CHARS = 300
_TOPICS = 6
_TOPIC_CHARS = 40
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_MATTERS = ("intent.complaint", "intent.refund", "intent.cancellation", "intent.support", "intent.order")
_MATTERS_TOO = ("intent.appraisal", "intent.appointment", "intent.sales", "intent.request", "intent.question")


def plain(text: str) -> str:
    """One line of text that any database can hold."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def _content_words(folded: str, language: str) -> list[str]:
    stop = words(language, "stopwords")
    found = (_ELIDED.sub("", word) for word in WORD.findall(folded))
    return [
        word
        for word in found
        if 3 <= len(word) <= _TOPIC_CHARS
        and word not in stop
        and not any(char.isdigit() or char == "_" for char in word)
    ]


def _worth(sentence: Sentence, position: int, frequent: Counter[str], language: str, entities: list[Entity]) -> float:
    folded = sentence.folded
    content = _content_words(folded, language)
    value = sum(frequent[word] for word in set(content)) / (4 + len(content))
    value += 0.5 * sum(min(6, score(folded, language, name)) for name in _MATTERS + _MATTERS_TOO)
    value += 0.5 * sum(sentence.start <= entity.start < sentence.end for entity in entities[:20])
    value += 1.0 if position == 0 else 0.5 if position == 1 else 0.0
    return value if len(content) >= 2 else value / 3


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def summarise(sentences: list[Sentence], language: str, entities: list[Entity], *, fallback: str) -> str:
    """The one or two most telling sentences in their order, at most 300 characters; `fallback` when there is none."""
    considered = sentences[:60]
    frequent = Counter(word for each in considered for word in set(_content_words(each.folded, language)))
    ranked = sorted(
        range(len(considered)),
        key=lambda index: (-_worth(considered[index], index, frequent, language, entities), index),
    )
    if not ranked:
        return _cut(plain(fallback), _SUMMARY_CHARS)
    first = plain(considered[ranked[0]].text)
    if len(ranked) == 1 or len(first) > _SUMMARY_CHARS // 2:
        return _cut(first, _SUMMARY_CHARS)
    both = " ".join(plain(considered[index].text) for index in sorted(ranked[:2]))
    return both if len(both) <= _SUMMARY_CHARS else _cut(first, _SUMMARY_CHARS)


def _no_topics(language: str, entities: list[Entity]) -> set[str]:
    """Words of letters' form, of dates and of whatever identifies a person."""
    names = ("greetings", "closings", "weekdays", "months", "relative_days")
    form = {word for name in names for phrase in words(language, name) for word in phrase.split()}
    named = {
        word for each in entities if each.type in ("email", "url", "person") for word in WORD.findall(fold(each.text))
    }
    return form | named


def topics(subject: str, sentences: list[Sentence], language: str, entities: list[Entity]) -> list[str]:
    """Up to six words or repeated word pairs, most frequent first; a word of the subject counts double.

    Topics travel as tags into other stores, so no name and no address is one.
    """
    counted: Counter[str] = Counter()
    excluded = _no_topics(language, entities)
    for text, weight in [(fold(subject), 2), *((each.folded, 1) for each in sentences[:100])]:
        content = [word for word in _content_words(text, language) if word not in excluded]
        for word in content:
            counted[word] += weight
        for one, two in pairwise(content):
            if f"{one} {two}" in text and len(one) + len(two) < _TOPIC_CHARS:
                counted[f"{one} {two}"] += weight
    known = _domain(language)
    value = {phrase: count * (2 if phrase in known else 1) for phrase, count in counted.items()}
    spelled = _spellings([subject, *(each.text for each in sentences[:100])])
    kept: list[str] = []
    for phrase in sorted(counted, key=lambda each: (-value[each] - 0.5 * (" " in each), -len(each), each)):
        if " " in phrase and counted[phrase] < 2:
            continue
        if not any(phrase in other.split() or set(phrase.split()) & set(other.split()) for other in kept):
            kept.append(phrase)
    return [" ".join(spelled.get(word, word) for word in phrase.split()) for phrase in kept[:_TOPICS]]


def _spellings(texts: list[str]) -> dict[str, str]:
    """How the folded words are written: `strasse` as `straße`."""
    return {fold(word): word.lower() for text in texts for word in WORD.findall(text) if fold(word) != word.lower()}


def _domain(language: str) -> frozenset[str]:
    """Words that name a matter of the trade, of which topics are preferred."""
    names = ("sales", "support", "billing", "delivery", "account", "appraisal", "scheduling")
    return frozenset(entry.phrase for name in names for entry in section(language, f"category.{name}"))
