"""Email addresses, web addresses, phone numbers and names of people and companies in a text."""

import re
from collections.abc import Iterator
from functools import cache

from shared.ai.providers.offline.lexicon import fold, section, words
from shared.ai.providers.offline.phrases import as_written
from shared.ai.providers.offline.sentences import closing_line, lines_of
from shared.models.analysis import Entity

_EMAIL = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9_%+-](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?"
    r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24}(?![\w-])"
)
_URL = re.compile(r"(?<!\w)(?:https?://|www\.)[^\s<>\"'\[\]{}|\\^`\x00-\x20\x7f\ud800-\udfff]{3,400}", re.IGNORECASE)
_COMPANY = re.compile(
    r"(?<!\w)(?:[^\W\d_a-z][\w&'-]{1,30}[ ](?:&[ ])?){1,4}"
    r"(?:GmbH|AG|Ltd|Limited|Inc|LLC|B\.V\.|BV|S\.r\.l\.|Srl|S\.p\.A\.|S\.L\.|SARL|SAS|Lda|AB|ApS)(?!\w)"
)
_NAME = re.compile(r"[^\W\d_][\w'-]{1,30}(?:[ ][^\W\d_][\w'-]{1,30}){0,2}")
_PARTICLES = frozenset({"van", "von", "de", "der", "den", "da", "dos", "di", "del", "la", "le", "du", "ten", "ter"})
# Where a national number is dialled decides what it means; for English that is not known, so both are tried.
_REGIONS = {
    "en": ("US", "GB"), "de": ("DE",), "fr": ("FR",), "es": ("ES",), "it": ("IT",), "nl": ("NL",), "pt": ("PT", "BR"),
    "pl": ("PL",), "sv": ("SE",), "tr": ("TR",), "da": ("DK",), "nb": ("NO",), "fi": ("FI",), "cs": ("CZ",),
    "hu": ("HU",), "ro": ("RO",),
}  # fmt: skip
_PHONE_TRIES = 200
_NAME_WORDS = 3


def emails(text: str) -> Iterator[Entity]:
    """Addresses as written; the value has its domain in small letters."""
    for match in _EMAIL.finditer(text):
        local, _, domain = match[0].rpartition("@")
        yield Entity(
            type="email", text=match[0], value=f"{local}@{domain.lower()}", start=match.start(), end=match.end()
        )


def urls(text: str) -> Iterator[Entity]:
    """Web addresses without the punctuation of the sentence they stand in; longer than 200 characters are skipped."""
    for match in _URL.finditer(text):
        found = match[0].rstrip(".,;:!?*_~)" if "(" not in match[0] else ".,;:!?*_~")
        if len(found) <= 190 and "." in found:
            value = found if "://" in found else f"https://{found}"
            yield Entity(type="url", text=found, value=value, start=match.start(), end=match.start() + len(found))


def phones(text: str, language: str) -> Iterator[Entity]:
    """Valid phone numbers; the value is E.164."""
    import phonenumbers

    if sum(char.isdigit() for char in text) < 6:
        return
    # A number that gives its country need only be possible: new ranges are dialled before the tables know them.
    readings = [("ZZ", phonenumbers.Leniency.POSSIBLE)]
    readings += [(region, phonenumbers.Leniency.VALID) for region in _REGIONS.get(language, ())]
    for region, leniency in readings:
        for match in phonenumbers.PhoneNumberMatcher(text, region, leniency, _PHONE_TRIES):
            value = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            yield Entity(type="phone", text=match.raw_string, value=value, start=match.start, end=match.end)


def _is_name(text: str) -> bool:
    found = text.split()
    if not 1 <= len(found) <= _NAME_WORDS + 1 or len(text) > 60:
        return False
    plain = [word for word in found if word not in _PARTICLES]
    return 0 < len(plain) <= _NAME_WORDS and all(
        word[0].isupper() and word.replace("-", "").replace("'", "").rstrip(".").isalpha() and not word[1:].isupper()
        for word in plain
    )


@cache
def _name_cues(language: str) -> re.Pattern[str]:
    """What a name follows: `my name is`, `Mr`, a greeting at the start of a line or a closing."""
    anywhere = as_written(section(language, "names") + section(language, "titles"))
    greeting = as_written(section(language, "greetings"))
    closing = as_written(section(language, "closings"))
    return re.compile(rf"(?:{anywhere}\.?|^{greeting}|{closing}[,!.]?)[ ]{{1,2}}", re.IGNORECASE | re.MULTILINE)


def people(text: str, language: str) -> Iterator[Entity]:
    """Who is named where names stand: after `my name is`, a title, a greeting or a closing."""
    for match in _name_cues(language).finditer(text):
        name = _NAME.match(text, match.end())
        parts = name[0].split(" ") if name else []
        while parts and not _is_name(" ".join(parts)):
            parts.pop()
        if name and parts and fold(parts[0]) not in words(language, "titles"):
            yield _named("person", " ".join(parts), name.start())
    lines = lines_of(text)
    cut = closing_line(lines, language)
    if cut is not None and cut + 1 < len(lines) and _is_name(lines[cut + 1].text):
        yield _named("person", lines[cut + 1].text, lines[cut + 1].start)


def companies(text: str) -> Iterator[Entity]:
    """Names that end in a legal form."""
    for match in _COMPANY.finditer(text):
        yield _named("organization", match[0], match.start())


def _named(kind: str, text: str, start: int) -> Entity:
    return Entity.model_validate(
        {"type": kind, "text": text, "value": " ".join(text.split()), "start": start, "end": start + len(text)}
    )
