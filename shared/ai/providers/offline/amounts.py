"""Amounts of money in a text."""

import re
from collections.abc import Iterator

from shared.models.analysis import Entity

_CURRENCIES = {
    "€": "EUR", "£": "GBP", "$": "USD", "us$": "USD", "r$": "BRL", "¥": "JPY", "₺": "TRY", "zł": "PLN",
    "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "dólares": "USD", "dollari": "USD",
    "pounds sterling": "GBP", "reais": "BRL", "kronor": "SEK", "kroner": "DKK", "franken": "CHF",
}  # fmt: skip
_CODES = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "BRL", "CAD", "AUD", "JPY", "CZK", "HUF", "RON")
_CROWNS = {"sv": "SEK", "da": "DKK", "nb": "NOK"}

_NUMBER = r"\d{1,3}(?:[.,'\u00a0\u202f ]\d{3}){1,4}(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_SIGNS = r"US\$|R\$|[€£$¥₺]"
_WORDS = r"(?i:pounds sterling|euros?|dollars?|dólares|dollari|reais|kronor|kroner|franken)"
_AMOUNT = re.compile(
    rf"(?<![\w.,$€£])(?:(?P<before>{_SIGNS}|(?:{'|'.join(_CODES)})(?!\w))[ \u00a0]?(?P<first>{_NUMBER})"
    rf"|(?P<second>{_NUMBER})[ \u00a0]?(?P<after>[€£¥₺$](?!\d)|(?:zł|kr|{'|'.join(_CODES)}|{_WORDS})(?!\w)))"
    r"(?![\d%])"
)
_DECIMALS = re.compile(r"([.,])\d{1,2}$")


def amounts(text: str, language: str) -> Iterator[Entity]:
    """Amounts with their currency; the value is like `1234.50 EUR`. A bare number is no amount."""
    from price_parser import Price

    for match in _AMOUNT.finditer(text):
        number = match["first"] or match["second"]
        written = match["before"] or match["after"]
        currency = _CROWNS.get(language) if written == "kr" else _CURRENCIES.get(written.lower(), written)
        decimals = _DECIMALS.search(number)
        # Which of `.` and `,` groups thousands is read off the end of the number, not left to the library's guess.
        plain = number if decimals else re.sub(r"\D", "", number)
        price = Price.fromstring(plain, decimal_separator=decimals[1] if decimals else None)
        if currency is not None and price.amount is not None:
            yield Entity(
                type="amount",
                text=match[0],
                value=f"{price.amount:.2f} {currency}",
                start=match.start(),
                end=match.end(),
            )
