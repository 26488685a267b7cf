"""Replies of programs that put the answered mail below, unmarked, under a header of its own."""

import pytest

from shared.ingestion.email.html import html_to_text
from shared.ingestion.email.replies import without_quotes


@pytest.mark.parametrize(
    "header",
    [
        "From: Nora <n@example.com>\nSent: Monday\nTo: Ada\nSubject: Clock",
        "Von: Nora\nGesendet: Montag\nAn: Ada\nCc: Bob\nBetreff: Uhr",
        "De : Nora\nEnvoyé : lundi\nÀ : Ada\nObjet : Horloge",
        "De: Nora\nEnviado el: lunes\nPara: Ada\nAsunto: Reloj",
        "Da: Nora\nInviato: lunedì\nA: Ada\nOggetto: Orologio",
        "Van: Nora\nVerzonden: maandag\nAan: Ada\nOnderwerp: Klok",
        "*From:* Nora\n*Sent:* Monday\n*To:* Ada\n*Subject:* Clock",
        "________________________________\nFrom: Nora\n\nSent: Monday\n\nSubject: Clock",
        "-----Original Message-----\nFrom: Nora\nSent: Monday\nSubject: Clock",
        "-----Ursprüngliche Nachricht-----\nVon: Nora\nGesendet: Montag\nBetreff: Uhr",
    ],
)
def test_the_answered_mail_goes_with_its_header(header: str) -> None:
    assert without_quotes(f"Friday is fine.\n\n{header}\n\nShall we meet?\n") == "Friday is fine."


@pytest.mark.parametrize(
    "text",
    [
        "From: Nora\nSent: Monday\nSubject: Clock\n\nforwarded",
        "-----Original Message-----\nFrom: Nora\nSent: Monday\nSubject: Clock\n\nforwarded",
        "I come\nFrom: Berlin\nand go home",
        "Date: Monday\nSubject: none",
        "________________________________\nmine",
    ],
)
def test_what_is_forwarded_or_only_looks_alike_stays(text: str) -> None:
    assert without_quotes(text) == text


def test_quotes_above_an_answered_mail_go_too() -> None:
    text = "Yes.\n> Friday?\n\nFrom: Nora\nSent: Monday\nSubject: Clock\n\nold"
    assert without_quotes(text) == "Yes."


def test_an_outlook_reply_in_html_is_told_from_what_it_answers() -> None:
    html = (
        '<div class="WordSection1"><p>Friday is fine.</p><div style="border-top:solid"><p><b>From:</b> Nora<br>'
        "<b>Sent:</b> Monday<br><b>To:</b> Ada<br><b>Subject:</b> Clock</p></div><p>Shall we meet?</p></div>"
    )
    assert without_quotes(html_to_text(html)) == "Friday is fine."


@pytest.mark.parametrize("line", ["From: a", "From:", "_" * 40, "--", "Sent: x"])
def test_a_hundred_thousand_lines_that_look_alike_are_read_once(line: str) -> None:
    assert without_quotes(f"{line}\n" * 100_000)
