"""Which language a message is in, or that nobody can tell."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.ai.providers.offline.lexicon import LANGUAGES, fold, vocabulary
from shared.ai.providers.offline.phrases import WORD

if TYPE_CHECKING:
    from lingua import LanguageDetector

UNKNOWN = "unknown"

_DETECTED = ("ENGLISH", "GERMAN", "FRENCH", "SPANISH", "ITALIAN", "DUTCH", "PORTUGUESE", "POLISH", "SWEDISH", "TURKISH")
_DETECTED_TOO = ("DANISH", "BOKMAL", "FINNISH", "CZECH", "HUNGARIAN", "ROMANIAN")
_SAMPLE_CHARS = 2_000
_WORDS_COUNTED = 60
_MARGIN = 0.25
_FLOOR = 0.45
_MOST_WORDS = 0.5


@cache
def _detector() -> LanguageDetector:
    from lingua import Language, LanguageDetectorBuilder

    languages = [getattr(Language, name) for name in _DETECTED + _DETECTED_TOO]
    # High accuracy costs 470 MB and 5 s on first use for these 16, low accuracy 40 MB and 0.2 s; what it loses on short
    # texts the vocabulary vote below gives back.
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()


def _votes(folded: str) -> dict[str, float]:
    """For each language with tables, the share of the text's words that its tables know."""
    found = [word for word in WORD.findall(folded) if not word[0].isdigit()][:_WORDS_COUNTED]
    return {
        language: sum(word in vocabulary(language) for word in found) / max(1, len(found)) for language in LANGUAGES
    }


def _ranked(scores: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _clear(votes: dict[str, float]) -> str | None:
    """The language whose tables know most of the words, when no other knows half as many."""
    (best, top), (_, second) = _ranked(votes)[:2]
    return best if top >= _MOST_WORDS and top >= 2 * second else None


def detect(text: str) -> str:
    """ISO 639-1 code, or `unknown` when the text is too short, mixed or in none of the languages known."""
    # The detector is written in Rust, whose strings hold no lone surrogates.
    folded = fold(text[:_SAMPLE_CHARS].encode("utf-8", "ignore").decode("utf-8"))
    if sum(char.isalpha() for char in folded) < 2:
        return UNKNOWN
    votes = _votes(folded)
    long_enough = len(WORD.findall(folded)) > 2
    if long_enough and (clear := _clear(votes)):
        return clear
    scores = dict(votes)
    for confidence in _detector().compute_language_confidence_values(folded):
        code = confidence.language.iso_code_639_1.name.lower()
        # One word in a name or a product is no evidence of a language without tables.
        if long_enough or code in LANGUAGES:
            scores[code] = scores.get(code, 0.0) + confidence.value * min(1.0, len(folded) / 40)
    (best, top), (_, second) = _ranked(scores)[:2]
    return best if top >= _FLOOR and top - second >= _MARGIN else UNKNOWN
