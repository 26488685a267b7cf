"""Feature hashing: near texts get near vectors without a model, by shared words and parts of words."""

import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator
from math import log, sqrt

from shared.ai.providers.offline.phrases import WORD

MODEL = "offline-hash-384"
DIMENSIONS = 384

_CHARS = 20_000


def _features(text: str) -> Iterator[tuple[str, float]]:
    # The tables are not used here: a changed stop word would silently change vectors of the same model name.
    folded = unicodedata.normalize("NFKC", text[:_CHARS]).casefold()
    previous = ""
    for word in WORD.findall(folded):
        # Short words are mostly grammar in all our languages.
        weight = 1.0 if len(word) > 3 else 0.3
        yield f"w:{word}", weight
        if previous:
            yield f"b:{previous} {word}", 0.5 * weight
        previous = word
        padded = f"<{word[:40]}>"
        for size in (3, 4):
            for start in range(len(padded) - size + 1):
                yield f"c:{padded[start : start + size]}", 0.25 * weight


def embed(text: str) -> list[float]:
    """A unit vector of 384 numbers; a text without words gets the first axis."""
    weights: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for feature, weight in _features(text):
        weights[feature] = weight
        counts[feature] += 1
    vector = [0.0] * DIMENSIONS
    for feature, count in counts.items():
        digest = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
        value = weights[feature] * (1 + log(count))
        # The low bits choose the place, the top bit the sign, so that collisions cancel on average.
        vector[(digest & 0x7FFFFFFF) % DIMENSIONS] += value if digest >> 31 else -value
    length = sqrt(sum(value * value for value in vector))
    if length == 0:
        return [1.0] + [0.0] * (DIMENSIONS - 1)
    return [value / length for value in vector]
