"""Which numbers in a text are a card's, a bank account's or a phone's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["EMAIL", "IBAN", "CARD", "PHONE"]


@dataclass(frozen=True, slots=True)
class Found:
    """Something personal in a text, from `start` to `end`; `value` is its normal form, of a full phone number E.164."""

    kind: Kind
    start: int
    end: int
    value: str


# Length by country; source: IBAN registry of SWIFT (ISO 13616).
_IBAN_LENGTHS = {
    length: frozenset(codes.split())
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
}  # fmt: skip
_LENGTH_OF = {code: length for length, codes in _IBAN_LENGTHS.items() for code in codes}
_GAP = r"[ \u00a0\u202f.\-]?"
_IBAN = re.compile(rf"(?<![^\W_])[A-Za-z]{{2}}\d{{2}}(?:{_GAP}[A-Za-z0-9]){{11,29}}", re.ASCII)
# Whole, or in the groups that are printed on cards.
_CARD = re.compile(
    r"(?<![\d.,])(?<!\d[ -])(?:\d{13,19}|\d{4}([ .\u00a0-])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?"
    r"|\d{4}([ .\u00a0-])\d{6}\2\d{4,5})(?![\d])"
)
_NETWORK = re.compile(
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2})?|4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}"
    r"|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|35\d{14}|62\d{14,17}"
    r"|(?:50|5[6-8]|6[37])\d{14,17}"
)

_SPACE = r"[ \u00a0\u202f./\-\u2010-\u2013]{0,2}"
_PHONE = re.compile(rf"(?<![\w/.,@#=&%-])(?:\+|00)?\(?\d{{1,5}}\)?(?:{_SPACE}\(?\d{{1,5}}\)?){{1,7}}(?![\w@%]|[.,:]\d)")
_DATE = re.compile(r"\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./ ])\d{1,2}\2(?:\d{4}|\d{2})")
_MONEY = re.compile(r"\d{1,3}(?:[. \u00a0\u202f]\d{3})+|\d+[.,]\d{2}")
_CALLED = re.compile(
    r"\b(?:phone|tel|telephone|telefon|telefono|tel[ée]fono|telefone|t[ée]l[ée]phone|telefoon|mobile?|mobiel|handy|cell|celular"
    r"|cellulare|m[óo]vil|portable|fax|whatsapp|sms|call|ring|dial|reach|text|anrufen|erreichbar|erreichen|rufnummer|ll[aá]m\w*"
    r"|chiam\w*|appel\w*|joindre|lig(?:ue|ar)|bel|num[ée]ro|number|nummer|n[úu]mero)\b[^\d\n]{0,20}$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"(?:order|invoice|ticket|case|ref(?:erence)?|customer|account|tracking|serial|item|article|booking|policy|contract"
    r"|bestellung\w*|rechnung\w*|auftrag\w*|kunden\w*|vorgang\w*|artikel\w*|sendung\w*|vertrag\w*|commande|facture|dossier|colis"
    r"|client|pedido|factura|fatura|encomenda|env[íi]o|ordine|fattura|pratica|cliente|bestelling|factuur|klant\w*|konto\w*|blz|isbn|ean|imei"
    r"|vat|ust\w*|steuer\w*|siret|nif|partita)\b[^\d\n]{0,14}$|#\s?$|\b(?:no|nr|n°|nº|id)[.:]?\s?$",
    re.IGNORECASE,
)
_CUE_CHARACTERS = 40
_LIST_CHARACTERS = 10
_LEAST_DIGITS, _MOST_DIGITS = 7, 15
_REGIONS = ("GB", "DE", "FR", "ES", "IT", "NL", "US", "PT", "PL", "SE", "AT", "CH", "BE", "BR")
# Past these a number that looks like a phone's is taken for one: reading it costs up to a millisecond.
_MOST_READ = 60


def ibans(text: str) -> Iterator[Found]:
    """Accounts whose country, length and check digits fit."""
    for match in _IBAN.finditer(text):
        length = _LENGTH_OF.get(match[0][:2].upper())
        if length is None:
            continue
        places = [at for at, char in enumerate(match[0]) if char.isalnum()]
        if len(places) < length:
            continue
        end = match.start() + places[length - 1] + 1
        following = text[end : end + 1]
        compact = "".join(match[0][at] for at in places[:length]).upper()
        if not following.isalnum() and _mod97(compact) == 1:
            yield Found("IBAN", match.start(), end, compact)


def cards(text: str) -> Iterator[Found]:
    """Numbers of a card network whose last digit is the right one (Luhn, ISO/IEC 7812-1)."""
    for match in _CARD.finditer(text):
        digits = "".join(str(int(char)) for char in match[0] if char.isdigit())
        if _NETWORK.fullmatch(digits) and luhn(digits):
            yield Found("CARD", match.start(), match.end(), digits)


def phones(text: str) -> Iterator[Found]:
    """Numbers that can be dialled: with a country's, or written as one dials, or said to be a phone's."""
    read, after = 0, -_LIST_CHARACTERS
    for match in _PHONE.finditer(text):
        number, start = match[0], match.start()
        if number.startswith("(") and number.find(")") == len(number) - 1:
            number, start = number[1:-1], start + 1
        before = text[max(0, start - _CUE_CHARACTERS) : start]
        # What follows a phone in a list is one too.
        named = _CALLED.search(before) is not None or start - after < _LIST_CHARACTERS
        if not _may_be_phone(number, before, named=named):
            continue
        read += 1
        value = _e164(number) if read <= _MOST_READ else number
        if value or named:
            after = start + len(number)
            yield Found("PHONE", start, after, value or number)


def _may_be_phone(number: str, before: str, *, named: bool) -> bool:
    if not _LEAST_DIGITS <= sum(char.isdigit() for char in number) <= _MOST_DIGITS or _DATE.fullmatch(number):
        return False
    if not number.startswith(("+", "(")) and _REFERENCE.search(before):
        return False
    return named or (_dialled(number) and not _MONEY.fullmatch(number))


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _mod97(iban: str) -> int:
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97


def _dialled(number: str) -> bool:
    groups = re.findall(r"\d+", number)
    return number.startswith(("+", "0", "(")) or (len(groups) == 3 and [len(group) for group in groups] == [3, 3, 4])


def _e164(number: str) -> str | None:
    """Return the number as the world dials it where it says its country, as it is where one of ours has it."""
    import phonenumbers

    if number.startswith(("+", "00")):
        try:
            parsed = phonenumbers.parse("+" + number.removeprefix("00").removeprefix("+"), None)
        except phonenumbers.NumberParseException:
            return None
        # With its country given, what is possible will do: new ranges are dialled before the tables know them.
        possible = phonenumbers.is_possible_number(parsed)
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if possible else None
    return number if any(_valid(number, region) for region in _REGIONS) else None


def _valid(number: str, region: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
