"""HTML mails as text: what a reader sees, in time that no HTML can stretch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingestion.email.html import MAX_HTML_CHARACTERS, html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Hello", "Hello"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three<BR />Four", "One\nTwo\nThree\nFour"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<p>wrapped\n   in the source</p>", "wrapped in the source"),
        ("a <b>bold</b> <a href='http://x'>word</a>", "a bold word"),
        ("M&uuml;ller &amp; S&ouml;hne&nbsp;&euro; &#8364; &lt;x@y.z&gt;", "Müller & Söhne € € <x@y.z>"),
        ("<head><title>T</title><style>p{}</style></head><body>seen</body>", "seen"),
        ("a<script>if (1 < 2) { '</p>' }</SCRIPT >b<!-- <p>no</p> -->c", "abc"),
        ('<img alt="a > b" src=x>seen', "seen"),
        ("<p title=it's>seen</p>", "seen"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("seen<!-- never closed", "seen"),
        ("seen<script>never closed", "seen"),
        ("seen<p never closed", "seen"),
        ("<!DOCTYPE html><?xml version='1'?>seen</unknown>", "seen"),
        ("<div><div><div>deep</div></div></div>", "deep"),
        ("", ""),
    ],
)
def test_html_reads_as_a_reader_sees_it(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "reference", ["&#0;", "&#xD800;", "&#99999999999;", "&#" + "9" * 5000 + ";", "&#x" + "f" * 99 + ";"]
)
def test_a_reference_to_no_character_is_shown_as_one(reference: str) -> None:
    assert html_to_text(f"a{reference}b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        "<b id=1><p>x",
        "<",
        "<!--",
        '<a "',
        "<a ='",
        '<=">"',
        "</",
        "<svg>",
        "<script",
        "&",
        "&#1;",
        "<p  ",
        "=",
    ],
)
def test_two_million_hostile_characters_are_read_once(unit: str) -> None:
    text = html_to_text((unit * MAX_HTML_CHARACTERS)[:MAX_HTML_CHARACTERS])
    assert len(text) <= MAX_HTML_CHARACTERS


@given(st.text(st.sampled_from("<>/!-='\"& pbscript\n"), max_size=300))
def test_no_html_raises_and_text_has_no_empty_runs(html: str) -> None:
    text = html_to_text(html)
    assert text == text.strip()
    assert "\n\n\n" not in text


@given(st.text(st.characters(codec="utf-8", exclude_characters="<&\0")))
def test_plain_text_keeps_its_words(text: str) -> None:
    assert html_to_text(text).split() == text.split()
