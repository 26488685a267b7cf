"""Whether a few words are somebody's name."""

from shared.ai.providers.offline.lexicon import LANGUAGES, fold, vocabulary

_PARTICLES = frozenset({"van", "von", "de", "der", "den", "da", "dos", "di", "del", "la", "le", "du", "ten", "ter"})
_MOST_WORDS = 3
_MOST_CHARS = 60


def _is_part(word: str) -> bool:
    plain = word.replace("-", "").replace("'", "").rstrip(".")
    return plain.isalpha() and word[0].isupper() and not word[1:].isupper()


def is_name(text: str, language: str) -> bool:
    """One to three capitalised words, particles aside, that do not start with a word the tables know."""
    found = text.split()
    if not found or len(text) > _MOST_CHARS or found[0] in _PARTICLES:
        return False
    parts = [word for word in found if word not in _PARTICLES]
    return len(parts) <= _MOST_WORDS and all(map(_is_part, parts)) and not _is_known(fold(found[0]), language)


def _is_known(word: str, language: str) -> bool:
    # "Danke" or "Please" begin lines as names do, but nobody is called so.
    return any(word in vocabulary(each) for each in ([language] if language in LANGUAGES else LANGUAGES))
