"""Encoded words of header fields (RFC 2047), in linear time: the standard library's decoder takes gigabytes."""

import re
from binascii import a2b_base64, a2b_qp

from shared.ingestion.email.mime_charsets import decoded

_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]*+)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_NOT_SEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def words(text: str) -> tuple[str, set[str]]:
    """Return a field's value as it is to be read, on one line, and the flags of its charsets.

    Neighbouring words of one charset are joined before they are decoded: some senders split inside a character.
    """
    if "=?" not in text:
        return _one_line(text), set()
    pieces: list[str] = []
    run, charset, flags, position = b"", "", set[str](), 0
    for word in _WORD.finditer(text):
        between = text[position : word.start()]
        name = word[1].partition("*")[0].lower()
        if run and (between.strip() or name != charset):
            pieces.append(_decoded(run, charset, flags))
            run = b""
        if between.strip() or not position:
            pieces.append(between)
        run, charset, position = run + _bytes(word[2], word[3]), name, word.end()
    if run:
        pieces.append(_decoded(run, charset, flags))
    return _one_line("".join([*pieces, text[position:]])), flags


def text_of(raw: bytes) -> tuple[str, set[str]]:
    """Return the bytes of a field as text with its encoded words still encoded: UTF-8, or else a guess, flagged."""
    return decoded(raw, None)


def _decoded(run: bytes, charset: str, flags: set[str]) -> str:
    text, found = decoded(run, charset)
    flags |= found
    return text


def _bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return a2b_qp(raw, header=True)
    digits = _NOT_BASE64.sub(b"", raw)
    whole = digits[:-1] if len(digits) % 4 == 1 else digits
    return a2b_base64(whole + b"=" * (-len(whole) % 4))


def _one_line(text: str) -> str:
    return _NOT_SEEN.sub(" ", text).strip()
