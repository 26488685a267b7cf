from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ai.providers.offline.entities import extract
from shared.ai.providers.offline.lexicon import LANGUAGES

TUESDAY = datetime(2024, 3, 5, 10, tzinfo=UTC)


def found(text: str, language: str = "en") -> list[tuple[str, str, str]]:
    return [(each.type, each.text, each.value) for each in extract(text, language, TUESDAY)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Write to Anna.Lee@Example.COM.", ("email", "Anna.Lee@Example.COM", "Anna.Lee@example.com")),
        ("en", "See https://example.com/a?b=1.", ("url", "https://example.com/a?b=1", "https://example.com/a?b=1")),
        ("en", "See www.example.com, please", ("url", "www.example.com", "https://www.example.com")),
        ("en", "Call +44 20 7946 0958 now", ("phone", "+44 20 7946 0958", "+442079460958")),
        ("en", "Call (212) 555-2368", ("phone", "(212) 555-2368", "+12125552368")),
        ("de", "Tel. 030 901820", ("phone", "030 901820", "+4930901820")),
        ("fr", "au 01 42 68 53 00", ("phone", "01 42 68 53 00", "+33142685300")),
        ("es", "al 612 345 678", ("phone", "612 345 678", "+34612345678")),
        ("en", "it cost $12", ("amount", "$12", "12.00 USD")),
        ("en", "about $1,299.5 in all", ("amount", "$1,299.5", "1299.50 USD")),
        ("de", "also € 1.234,50 zu viel", ("amount", "€ 1.234,50", "1234.50 EUR")),
        ("de", "1.500 € Anzahlung", ("amount", "1.500 €", "1500.00 EUR")),
        ("fr", "1 234,50 euros", ("amount", "1 234,50 euros", "1234.50 EUR")),
        ("en", "120 EUR", ("amount", "120 EUR", "120.00 EUR")),
        ("sv", "499 kr", ("amount", "499 kr", "499.00 SEK")),
        ("en", "my order #A-10293 is late", ("order", "A-10293", "A-10293")),
        ("en", "order 4711 has not come", ("order", "4711", "4711")),
        ("de", "Bestellung Nr. 99-812", ("order", "99-812", "99-812")),
        ("de", "Rechnungsnummer: 20240017", ("order", "20240017", "20240017")),
        ("fr", "ma commande n° 55123", ("order", "55123", "55123")),
        ("en", "invoice INV-2024-001", ("order", "INV-2024-001", "INV-2024-001")),
        ("en", "ticket 4711", ("ticket", "4711", "4711")),
        ("it", "il ticket numero 8812", ("ticket", "8812", "8812")),
        ("en", "on 12 March 2024", ("date", "12 March 2024", "2024-03-12")),
        ("en", "on March 12th", ("date", "March 12th", "2024-03-12")),
        ("en", "since December 30", ("date", "December 30", "2023-12-30")),
        ("en", "on 2024-04-01", ("date", "2024-04-01", "2024-04-01")),
        ("en", "on 25/04/2024", ("date", "25/04/2024", "2024-04-25")),
        ("en", "on 04/25/2024", ("date", "04/25/2024", "2024-04-25")),
        ("en", "by next Friday at 5 pm", ("date", "next Friday at 5 pm", "2024-03-08T17:00")),
        ("en", "last Monday", ("date", "last Monday", "2024-03-04")),
        ("en", "since Monday", ("date", "since Monday", "2024-03-04")),
        ("de", "seit Montag", ("date", "seit Montag", "2024-03-04")),
        ("en", "tomorrow", ("date", "tomorrow", "2024-03-06")),
        ("de", "bis zum 12.3. bitte", ("date", "12.3.", "2024-03-12")),
        ("de", "am 3. Mai", ("date", "3. Mai", "2024-05-03")),
        ("de", "am 03.05.2024 um 14:30 Uhr", ("date", "03.05.2024 um 14:30 Uhr", "2024-05-03T14:30")),
        ("fr", "mardi prochain à 14h30", ("date", "mardi prochain à 14h30", "2024-03-12T14:30")),
        ("es", "el 3 de mayo de 2024", ("date", "3 de mayo de 2024", "2024-05-03")),
        ("it", "entro domani", ("date", "domani", "2024-03-06")),
        ("nl", "vóór 7 april", ("date", "7 april", "2024-04-07")),
        ("pt", "na sexta-feira", ("date", "sexta-feira", "2024-03-08")),
        ("en", "my name is Anna Schmidt and", ("person", "Anna Schmidt", "Anna Schmidt")),
        ("en", "It broke.\n\nKind regards,\nAnna van Dam", ("person", "Anna van Dam", "Anna van Dam")),
        ("en", "Dear Mr Smith,\nit broke", ("person", "Smith", "Smith")),
        ("en", "Hello Nora, it broke", ("person", "Nora", "Nora")),
        ("de", "Er läuft. Viele Grüße, Jens Krüger", ("person", "Jens Krüger", "Jens Krüger")),
        ("en", "It works.\nMany thanks for that.\n\nAda", ("person", "Ada", "Ada")),
        ("en", "Whitfield & Sons Ltd sent it", ("organization", "Whitfield & Sons Ltd", "Whitfield & Sons Ltd")),
        ("en", "WhatsApp +44 7700 900123", ("phone", "+44 7700 900123", "+447700900123")),
        ("it", "Ordine n. 778812", ("order", "778812", "778812")),
        ("de", "Gruß von der Nordlicht Möbel GmbH", ("organization", "Nordlicht Möbel GmbH", "Nordlicht Möbel GmbH")),
    ],
)
def test_what_is_named_is_found_and_normalised(language: str, text: str, expected: tuple[str, str, str]) -> None:
    assert expected in found(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I may come, or may not; march on, 2 of us, second time, version 3.4"),
        ("en", "on 04/05/2024"),  # April or May: nobody can tell
        ("en", "on 31/02/2024 and 30 February 2024"),
        ("en", "order 12 chairs in case 2024 is a good year"),
        ("en", "10% of 300 people"),
        ("en", "mail me @ home, see a.b"),
        ("de", "Guten Morgen zusammen"),
        ("es", "llamar por la mañana"),
        ("en", "the reference number is unknown"),
        ("de", "Vielen Dank, der Preis ist in Ordnung"),
        ("en", "Thanks, Please call back"),
    ],
)
def test_what_only_looks_like_an_entity_is_left_alone(language: str, text: str) -> None:
    assert found(text, language) == []


def test_of_overlapping_findings_the_longest_stays() -> None:
    assert found("https://shop.example.com/order/4711?mail=me@example.com") == [
        (
            "url",
            "https://shop.example.com/order/4711?mail=me@example.com",
            "https://shop.example.com/order/4711?mail=me@example.com",
        )
    ]


def test_at_most_fifty_entities_are_kept_in_their_order() -> None:
    entities = extract(" ".join(f"a{number}@example.com" for number in range(200)), "en", TUESDAY)

    assert [each.text for each in entities] == [f"a{number}@example.com" for number in range(50)]


@pytest.mark.parametrize("sent_at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_survived(sent_at: datetime) -> None:
    assert extract("yesterday, tomorrow, 3 May, last Monday", "en", sent_at) is not None


PIECES = st.sampled_from(
    [
        "a@example.com", "www.example.com", "+44 20 7946 0958", "€ 1.234,50", "$12", "order #A-10293", "ticket 4711",
        "12 March 2024", "next Friday at 5 pm", "3. Mai", "aprıl 3", "frıday", "tomorrow", "12.3.", "am ",
        "Kind regards,\n", "Anna Lee", "my name is ", "\n", " ", "\x00", "\ud800", "é", "e\u0301", "İ", "1",
        "\u0663", ",", "#", "INV-2024-001", "GmbH",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES | st.text(max_size=8), max_size=25), st.sampled_from([*LANGUAGES, "sv", "unknown"]))
def test_offsets_always_point_at_the_entity_and_none_overlap(pieces: list[str], language: str) -> None:
    text = "".join(pieces)

    entities = extract(text, language, TUESDAY)

    assert all(text[each.start : each.end] == each.text for each in entities)
    assert all(one.end <= two.start for one, two in pairwise(entities))
    assert not any(char in "\x00\n\ud800" for each in entities for char in each.text + each.value)
