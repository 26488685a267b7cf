"""Email addresses, web addresses, phone numbers and names of people and companies in a text."""

import re
from collections.abc import Iterator
from functools import cache

from shared.ai.providers.offline.lexicon import fold, section, vocabulary, words
from shared.ai.providers.offline.names import is_name
from shared.ai.providers.offline.phrases import as_written
from shared.ai.providers.offline.sentences import own_lines, signature
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
_NAME = r"[^\W\d_][\w'-]{1,30}(?:[ ][^\W\d_][\w'-]{1,30}){0,2}"
_NAME_AT = re.compile(_NAME)
_AFTER_GREETING = ("", ",", "!", ":", ".", "\n", "\r", "-")
_AFTER_CLOSING = ("", "!", ".", "\n", "\r")
# Where a national number is dialled decides what it means; for English that is not known, so both are tried.
_REGIONS = {
    "en": ("US", "GB"), "de": ("DE",), "fr": ("FR",), "es": ("ES",), "it": ("IT",), "nl": ("NL",), "pt": ("PT", "BR"),
    "pl": ("PL",), "sv": ("SE",), "tr": ("TR",), "da": ("DK",), "nb": ("NO",), "fi": ("FI",), "cs": ("CZ",),
    "hu": ("HU",), "ro": ("RO",),
}  # fmt: skip
_PHONE_TRIES = 200
_SIGNED_WITHIN = 160
_CONTACT_AT_END = re.compile(
    rf"(?:[\s,;|/-]+(?:{_EMAIL.pattern}|{_COMPANY.pattern}|[+(\d][\d ()/.-]{{5,20}}\d)|(?<=\S)[\s,;]+)$"
)
_NAME_PART = r"[^\W\d_a-z][\w'-]{1,30}"
_NAME_AT_END = re.compile(
    rf"(?:^|[.!?\n]\s*)({_NAME_PART}(?:[ ](?:van|von|de|der|di|da|del|la|le|du)){{0,2}}[ ]{_NAME_PART})$"
)


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


@cache
def _name_cues(language: str) -> re.Pattern[str]:
    """What a name follows: `my name is`, `Mr`, or a greeting or closing that takes the rest of its line."""
    anywhere = as_written(section(language, "names") + section(language, "titles"))
    greeting = as_written(section(language, "greetings"))
    closing = as_written(section(language, "closings"))
    return re.compile(
        rf"(?:{anywhere}\.?|(?P<greeting>^{greeting})|(?P<closing>{closing}[,!.]?))[ ]{{1,2}}(?={_NAME})",
        re.IGNORECASE | re.MULTILINE,
    )


def _name_after(cue: re.Match[str], text: str, language: str) -> str | None:
    name = _NAME_AT.match(text, cue.end())
    parts = name[0].split(" ") if name else []
    whole = len(parts)
    while parts and not is_name(" ".join(parts), language):
        parts.pop()
    if not parts or fold(parts[0]) in words(language, "titles"):
        return None
    found = " ".join(parts)
    rest = text[cue.end() + len(found) : cue.end() + len(found) + 2].lstrip(" ")
    if (cue["greeting"] and rest[:1] not in _AFTER_GREETING) or (
        cue["closing"] and (len(parts) < whole or rest[:1] not in _AFTER_CLOSING)
    ):
        return None
    return found


def people(text: str, language: str) -> Iterator[Entity]:
    """Who is named where names stand: after `my name is`, a title, a greeting or a closing, or as the signature."""
    for cue in _name_cues(language).finditer(text):
        found = _name_after(cue, text, language)
        if found:
            yield _named("person", found, cue.end())
    for line in signature(own_lines(text), language)[:1]:
        if is_name(line.text, language):
            yield _named("person", line.text, line.start)
    yield from _undersigned(text, language)


def _undersigned(text: str, language: str) -> Iterator[Entity]:
    """First and last name at the very end, contact details aside: `… are broken. Amy Cole`."""
    end = len(text)
    while contact := _CONTACT_AT_END.search(text, max(0, end - _SIGNED_WITHIN), end):
        end = contact.start()
    name = _NAME_AT_END.search(text, max(0, end - _SIGNED_WITHIN), end)
    if name and not any(fold(word) in vocabulary(language) for word in name[1].split()) and is_name(name[1], language):
        yield _named("person", name[1], name.start(1))


def companies(text: str) -> Iterator[Entity]:
    """Names that end in a legal form."""
    for match in _COMPANY.finditer(text):
        yield _named("organization", match[0], match.start())


def _named(kind: str, text: str, start: int) -> Entity:
    return Entity.model_validate(
        {"type": kind, "text": text, "value": " ".join(text.split()), "start": start, "end": start + len(text)}
    )
