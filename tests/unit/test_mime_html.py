"""Quotes of HTML mails: marked as plain mails mark them, so that a reply is told from what it answers."""

import pytest

from shared.ingestion.email.html import MAX_QUOTES, html_to_text
from shared.ingestion.email.replies import without_quotes


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>new</p><blockquote>old<br>older</blockquote>end", "new\n\n> old\n> older\nend"),
        ("<blockquote>a<blockquote>b</blockquote>c</blockquote>", "> a\n> > b\n> c"),
        ("</blockquote>a</blockquote>", "a"),
        ("<blockquote>" * 9 + "a", "> " * MAX_QUOTES + "a"),
        ("<blockquote><p></p></blockquote>a", "a"),
        ("<table><tr><td>one</td><th>two</th></tr><tr><td>three</table>", "one two\n\nthree"),
        ("a\r\nb\tc", "a b c"),
        ("&lt;!quote&gt;a", "<!quote>a"),
    ],
)
def test_html_reads_as_a_reader_sees_it(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_what_an_html_reply_answers_is_not_new() -> None:
    html = (
        "<div>Friday is fine.</div><div>On Mon, Ada wrote:<br></div><blockquote>Friday?<p>Or Monday?</p></blockquote>"
    )
    assert without_quotes(html_to_text(html)) == "Friday is fine."
