from bench.mails import mails, page
from bench.parsing import PAGE_CHARACTERS, compare, ours, pages, stdlib
from shared.ingestion.email.html import html_to_text


def test_both_parsers_read_the_made_mails_right() -> None:
    for mail in mails(20):
        expected = (mail.subject, list(mail.words), list(mail.files))
        assert ours(mail.raw) == expected
        assert stdlib(mail.raw) == expected


def test_a_seed_says_the_same_again() -> None:
    first, again = ([(mail.subject, mail.words, mail.files) for mail in mails(20)] for _ in range(2))
    assert first == again
    assert page(1000) == page(1000)


def test_a_page_is_as_long_as_asked_and_its_words_are_known() -> None:
    html, words = page(PAGE_CHARACTERS)
    assert PAGE_CHARACTERS <= len(html) < PAGE_CHARACTERS + 1000
    assert tuple(html_to_text(html).split()) == words


def test_the_ratio_is_that_of_the_rounds_and_correctness_stands_beside_it() -> None:
    rates = {"stdlib": [100.0, 200.0], "ours": [300.0, 400.0]}
    result = compare(rates, {"stdlib": 290, "ours": 300}, pages())
    numbers = result.numbers()
    assert numbers["mime_vs_stdlib"] == 2.5
    assert numbers["mime_right_share"] == 1
    assert numbers["html_to_text_ms_60k"] > 0
