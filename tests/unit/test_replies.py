"""What is new in a reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingestion.email.replies import without_quotes


def test_quoted_lines_and_the_line_that_announces_them_go() -> None:
    text = "Yes, please.\n\nOn Mon, 3 Nov 2026 at 10:00, Nora <n@example.com> wrote:\n> Shall we?\n>> Earlier\n"
    assert without_quotes(text) == "Yes, please."


@pytest.mark.parametrize(
    "line",
    [
        "On 3 Nov 2026, Nora wrote:", "Am 3. November 2026 schrieb Nora:", "Le 3 nov. 2026, Nora a écrit :",
        "El lun, 3 nov 2026, Nora escribió:", "Il giorno 3 nov 2026 Nora ha scritto:", "Op 3 nov. 2026 schreef Nora:",
        "Em 3 de nov. de 2026, Nora escreveu:", "Den 3 nov. 2026 skrev Nora:",
    ],
)  # fmt: skip
def test_the_announcing_line_goes_in_many_languages(line: str) -> None:
    assert without_quotes(f"New\n\n{line}\n> old") == "New"


def test_only_one_line_directly_before_the_quote_goes() -> None:
    text = "On Monday she wrote:\nnot a quote\n\nOn Tuesday he wrote:\n\n> old\nNew below"
    assert without_quotes(text) == "On Monday she wrote:\nnot a quote\n\n\nNew below"


def test_answers_between_the_quotes_stay() -> None:
    assert without_quotes("> one?\nyes\n> two?\nno") == "yes\nno"


def test_a_text_without_quotes_stays() -> None:
    assert without_quotes("a > b\nOn Monday he wrote:\n") == "a > b\nOn Monday he wrote:"


def test_a_message_of_quotes_only_comes_back_whole() -> None:
    assert without_quotes("> one\n> two") == "> one\n> two"


@given(st.text())
def test_nothing_is_added_and_something_always_stays(text: str) -> None:
    kept = without_quotes(text)
    assert set(kept.split()) <= set(text.split())
    assert bool(kept) == bool(text.strip())


def test_a_million_announcing_words_are_read_once() -> None:
    assert without_quotes("on " + "wrote " * 200_000 + "\n> old").startswith("on wrote")
