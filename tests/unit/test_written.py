"""What a person wrote of a message, and what an engine's own words may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ai.entity_values import settled_value
from shared.ai.wording import TAKEN_OUT, Wording
from shared.analysis.written import written_in
from shared.models.analysis import EntityType

OWN, THEIRS = "Please value my old clock.", "You will be paid in full."


@pytest.mark.parametrize(
    "text",
    [
        f"{OWN}\n> {THEIRS}",
        f"> {THEIRS}\n{OWN}\n> {THEIRS}",
        f"{OWN}\n\nOn Mon, 4 Mar 2024, the shop <shop@example.org> wrote:\n{THEIRS}",
        f"{OWN}\n\nAm 04.03.2024 schrieb der Laden:\n\n{THEIRS}",
        f"{OWN}\nLe 4 mars 2024, la boutique a écrit :\n{THEIRS}",
        f"{OWN}\n-----Original Message-----\nFrom: x\n{THEIRS}",
        f"{OWN}\n---------- Forwarded message ----------\n{THEIRS}",
        f"{OWN}\nBegin forwarded message:\n\n{THEIRS}",
        f"{OWN}\n-------- Weitergeleitete Nachricht --------\n{THEIRS}",
        f"{OWN}\nVon: Laden\nGesendet: Montag\nAn: Ada\nBetreff: Uhr\n\n{THEIRS}",
        f"{OWN}\nDe: Loja\nEnviada em: segunda\nPara: Ada\nAssunto: x\n\n{THEIRS}",
        f"{OWN}\nFra: Butik\nSendt: mandag\nTil: Ada\nEmne: x\n\n{THEIRS}",
        f"{OWN}\n\nOn Mon, 4 Mar 2024 at 10:00, The Shop With A Long Name\n<shop@example.org> wrote:\n\n{THEIRS}",
        f"{OWN}\n\n04.03.2024 10:00, Laden <laden@example.de>:\n{THEIRS}",
        f"{OWN}\n\nShop <shop@example.org> wrote on Monday:\n{THEIRS}",
        f"{OWN}\n\nDer Laden hat am 04.03.2024 um 10:00 geschrieben:\n{THEIRS}",
        f"{OWN}\n-------- Original-Nachricht --------\n{THEIRS}",
        f"{OWN}\nAnfang der weitergeleiteten Nachricht:\n\n{THEIRS}",
        f"{OWN}\nDébut du message réexpédié :\n{THEIRS}",
        f"{OWN}\n\uff1e {THEIRS}",
        f"{OWN}\n» {THEIRS}",
        f"{OWN}\nada> {THEIRS}",
        f"{OWN}\n\u200b> {THEIRS}",
        f"On Monday, the shop wrote:\n> {THEIRS}\n\n{OWN}",
    ],
)
def test_what_is_quoted_or_forwarded_is_not_the_writer_s(text: str) -> None:
    written = written_in(text)
    own, theirs = text.index(OWN), text.index(THEIRS)
    assert written.holds(own, own + len(OWN))
    assert not written.holds(theirs, theirs + len(THEIRS))
    assert not written.holds(0, len(text))


@pytest.mark.parametrize(
    "text",
    [
        f"On Monday I wrote: please call me.\n{OWN}",
        f"I wrote to you on 4 March, and again today.\n{OWN}",
        f"Please send it to Bob <bob@example.org>:\n{OWN}",
        f"My questions for 2026:\n{OWN}",
        f"I have 3 clocks\nand what I wrote: value them.\n{OWN}",
    ],
)
def test_what_only_looks_like_an_announcement_is_the_writer_s(text: str) -> None:
    assert written_in(text).holds(0, len(text))


@given(st.text(), st.integers(0, 50), st.integers(0, 50))
def test_what_is_held_is_never_of_a_quoted_line(text: str, start: int, end: int) -> None:
    if written_in(text).holds(start, end):
        assert not any(line.startswith(">") for line in f"\n{text[start:end]}".splitlines()[1:])
        assert len(text[start:end].strip().encode()) >= 8


def test_languages_without_spaces_have_no_broken_words() -> None:
    assert written_in("我想请您评估我祖父的时钟").holds(2, 7)
    assert not written_in("grandfather").holds(2, 11)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Wants 24 November 2026, 2026-11-24.", "Wants 24 November 2026, 2026-11-24."),
        ("Call +44 20 7946 0123 or 442079460123", "Call +44 20 7946 0123 or 442079460123"),
        ("Paid 44207.00", "Paid 44207.00"),
        ("Call +1 900 555 0188", f"Call +{TAKEN_OUT}"),
        ("See https://shop.example/a and http://evil.example", f"See https://shop.example/a and {TAKEN_OUT}"),
        ("<b>Bold</b> <script>x</script> 2 < 3", "Bold   x  2 ‹ 3"),
        ("id 7d9f1c52-0f3a-4b7e-9c11-3f6f0a8d2e55", f"id {TAKEN_OUT}"),
        ("ask eve@evil.example", f"ask {TAKEN_OUT}"),
        ("pay at evil.example/now or evil.com", f"pay at {TAKEN_OUT} or {TAKEN_OUT}"),
        ("see shop.example/a", "see shop.example/a"),
        (
            "It arrived.It is 3.5 kg and/or broken, e.g. the U.S. model",
            "It arrived.It is 3.5 kg and/or broken, e.g. the U.S. model",
        ),
        ("a\x00b\x1b[0m\u200bc", "ab [0mc"),
    ],
)
def test_own_words_name_nothing_that_the_message_has_not(said: str, kept: str) -> None:
    assert Wording("I live at https://shop.example/a, ring +44 20 7946 0123").plain(said) == kept


def test_labels_are_words_of_any_script_that_name_nobody() -> None:
    said = [
        "Wanduhr",
        "हिन्दी घड़ी",
        "l'ordre n+1",
        "eve@evil.example",
        "<b>x</b>",
        "a" * 51,
        "",
        "wanduhr\u200b",
        "id 12345678",
    ]
    assert Wording("").labels(said) == ["Wanduhr", "हिन्दी घड़ी", "l'ordre n+1", "wanduhr"]


@pytest.mark.parametrize(
    ("kind", "text", "value", "settled"),
    [
        ("email", "A@Example.COM", "eve@evil.example", "A@example.com"),
        ("phone", "020 7946 0123", "+442079460123", "+442079460123"),
        ("phone", "020 7946 0123", "+19005550188", "020 7946 0123"),
        ("amount", "1.234,50 €", "1234.50 EUR", "1234.50 EUR"),
        ("amount", "20 €", "99999.00 EUR", "20 €"),
        ("date", "morgen", "2026-11-23", "2026-11-23"),
        ("date", "morgen", "<b>", "morgen"),
        ("url", "www.shop.example", "https://www.shop.example", "https://www.shop.example"),
        ("url", "www.shop.example", "https://evil.example", "www.shop.example"),
        ("order", "#A-10 293", "A-10293", "A-10293"),
        ("order", "A-10293", "B-1", "A-10293"),
    ],
)
def test_a_value_says_what_its_text_says(kind: EntityType, text: str, value: str, settled: str) -> None:
    assert settled_value(kind, text, value) == settled
