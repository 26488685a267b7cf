import subprocess
import sys

import pytest

from shared.ai.providers.offline.dates import _month
from shared.ai.providers.offline.lexicon import LANGUAGES, fold, section, table
from shared.ai.providers.offline.phrases import hits, score

REQUIRED = [
    "greetings", "closings", "stopwords", "negations", "urgent", "unhurried", "months", "weekdays", "relative_days",
    "order_words", "ticket_words", *(f"intent.{name}" for name in (
        "question", "complaint", "request", "order", "cancellation", "refund", "appointment", "appraisal", "sales",
        "support", "feedback", "thanks", "newsletter", "auto_reply")),
    *(f"category.{name}" for name in (
        "sales", "support", "billing", "delivery", "account", "appraisal", "scheduling", "marketing")),
    *(f"fact.{name}" for name in ("preference", "commitment", "appraisal", "sales", "support", "profile")),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_table(language: str) -> None:
    assert [name for name in REQUIRED if not section(language, name)] == []
    assert set(table(language)) <= {*table("en"), "positive", "negative", "intensifiers"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_stands_twice_in_a_table(language: str) -> None:
    twice = []
    for name, entries in table(language).items():
        phrases = [each.phrase for each in entries]
        twice += [(name, phrase) for phrase in set(phrases) if phrases.count(phrase) > 1]

    assert twice == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_calendar_is_complete(language: str) -> None:
    assert {_month(each.phrase, language) for each in section(language, "months")} == set(range(1, 13))
    assert {each.weight for each in section(language, "weekdays")} == set(range(7))


def test_a_prefix_matches_any_ending_and_a_word_only_itself() -> None:
    assert score("we were reimbursed", "en", "intent.refund") == 5
    assert list(hits("the renewsletters", "en", "intent.newsletter")) == []


def test_a_phrase_repeated_for_ever_counts_twice() -> None:
    assert score("refund " * 100, "en", "intent.refund") == 10


def test_folding_joins_spellings_of_one_word() -> None:
    assert fold("Gru\u0308\u00dfe  DON\u2019T\n") == "gr\u00fcsse don't"


def test_importing_the_engine_loads_none_of_its_libraries() -> None:
    heavy = ("lingua", "vaderSentiment", "PIL", "dateparser", "phonenumbers", "price_parser")
    code = f"import sys, shared.ai.providers.offline; print([n for n in {heavy!r} if n in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
