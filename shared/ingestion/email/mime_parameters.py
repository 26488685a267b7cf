"""Values with parameters (`type/subtype; name=value`), in linear time: RFC 2045, 2231 and what mailers make of them."""

import re
from urllib.parse import unquote_to_bytes

from shared.ingestion.email.mime_charsets import decoded
from shared.ingestion.email.mime_headers import MAX_FIELD_BYTES
from shared.ingestion.email.mime_words import text_of, words

MAX_PARAMETERS = 60
_PARAMETER = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"?|[^;]*+)', re.DOTALL)
_PIECE = re.compile(r"(.+?)(?:\*(\d{1,3}))?(\*)?")
_ESCAPED = re.compile(r'\\(["\\])')


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return the value before the first `;` in lower case, and its parameters, names in lower case, the first of each.

    `value` is a field as the standard library keeps it, bytes beyond ASCII as surrogates.
    """
    text, _ = text_of(value[:MAX_FIELD_BYTES].encode("utf-8", "surrogateescape"))
    text = text.replace("\r", "").replace("\n", "")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for number, found in enumerate(_PARAMETER.finditer(text)):
        if number >= MAX_PARAMETERS:
            break
        piece = _PIECE.fullmatch(found[1].lower())
        if piece is None:
            continue
        name, at, extended = piece[1], piece[2], bool(piece[3])
        if at is None and not extended:
            plain.setdefault(name, _unquoted(found[2]))
        else:
            pieces.setdefault(name, {}).setdefault(int(at or 0), (_unquoted(found[2]), extended))
    whole = {name: _joined([parts[at] for at in sorted(parts)]) for name, parts in pieces.items()}
    return text.partition(";")[0].strip().lower(), plain | whole


def _unquoted(value: str) -> str:
    value = value.strip()
    return _ESCAPED.sub(r"\1", value[1:].removesuffix('"')) if value.startswith('"') else value


def _joined(parts: list[tuple[str, bool]]) -> str:
    charset, texts = None, list(parts)
    if texts[0][1] and texts[0][0].count("'") >= 2:
        charset, _, rest = texts[0][0].split("'", 2)
        texts[0] = (rest, True)
    raw = b"".join(unquote_to_bytes(text) if extended else text.encode("utf-8", "replace") for text, extended in texts)
    return decoded(raw, charset)[0]


def readable(name: str) -> str:
    """Return a parameter that people read: mailers put encoded words there, though no standard lets them."""
    return words(name)[0]
