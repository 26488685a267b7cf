"""Bytes of a mail as text: charsets that are declared, missing, unknown or untrue."""

import re
from functools import cache

# What mail calls them and Python does not, and what readers take for a name that promises less.
_NAMES = {
    **dict.fromkeys(("ascii", "us-ascii", "ansi_x3.4-1968", "646"), "ascii"),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252", "ansi"), "cp1252"),
    **dict.fromkeys(("gb2312", "gb_2312-80", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("ks_c_5601-1987", "euc-kr", "ks_c_5601"), "cp949"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis"), "cp932"),
    **dict.fromkeys(("utf8mb4", "unicode-1-1-utf-8", "utf-8-sig"), "utf-8"),
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "windows-874": "cp874",
}
# Only what turns bytes to characters, in linear time: punycode and idna are quadratic, the escapes are Python's own.
_REFUSED = {
    *("punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"),
    *("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"),
}
# Their bytes are often valid UTF-8 too (some are plain ASCII), so what is declared goes first.
_FIRST = re.compile(r"(?:utf_?-?(?:7|16|32)|iso2022|hz|gb|big5|cp9(?:32|49|50)|euc|shift|johab)")


def decoded(raw: bytes, declared: str | None) -> tuple[str, set[str]]:
    """Return the text, and flags: `charset-unknown` for a name nobody knows, `charset-wrong` for an untrue one.

    UTF-8 is taken for what it is under any one-byte name; what fits nothing is Windows-1252, flagged `charset-guessed`.
    """
    codec = codec_of(declared)
    flags = {"charset-unknown"} if declared and codec is None else set[str]()
    first = codec if codec and _FIRST.match(codec) else None
    text = _strictly(raw, first) if first else None
    if text is None and raw.isascii():
        return raw.decode("ascii"), flags
    if text is not None:
        return text.removeprefix("\ufeff"), flags
    if codec not in (None, "utf-8", "cp1252", "ascii") and not _is_utf8(raw):
        text = _strictly(raw, codec or "")
        if text is not None:
            return text, flags
    return _guessed(raw, codec, flags)


@cache
def _known() -> dict[str, str]:
    from encodings.aliases import aliases

    # Looking a stranger's name up among the codecs themselves would keep it in a cache for good.
    every = {**{name: name for name in aliases.values()}, **aliases}
    return {name: codec for name, codec in every.items() if codec not in _REFUSED}


def codec_of(declared: str | None) -> str | None:
    """Return Python's name of a declared charset; None without one, and for what is no charset."""
    if not declared:
        return None
    name = declared[:80].lower().strip(" \t\"'").removeprefix("charset=").strip(" \t\"'").partition("*")[0]
    if name in _NAMES:
        return _NAMES[name]
    plain = re.sub(r"[^a-z0-9]+", "_", name.removeprefix("x-"))
    for candidate in (plain, plain.replace("windows_", "cp"), plain.replace("cp_", "cp")):
        if candidate in _known():
            return _known()[candidate].replace("utf_8", "utf-8")
    return None


def _strictly(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (LookupError, ValueError):
        return None


def _is_utf8(raw: bytes) -> bool:
    return _strictly(raw, "utf-8") is not None


def _guessed(raw: bytes, codec: str | None, flags: set[str]) -> tuple[str, set[str]]:
    text = _strictly(raw, "utf-8")
    if text is not None:
        untrue = codec not in (None, "utf-8")
        return text.removeprefix("\ufeff"), flags | ({"charset-wrong"} if untrue else set())
    if codec == "cp1252":
        return raw.decode("cp1252", "replace"), flags
    text = raw.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if sum(1 for character in text if character > "\x7f") > 3 * damaged:
        return text, flags | {"charset-wrong"}  # UTF-8 that was cut or damaged, not another charset
    return raw.decode("cp1252", "replace"), flags | {"charset-guessed" if codec is None else "charset-wrong"}
