import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bench import analysis
from bench.__main__ import main
from bench.analysis_cases import Case, Expected, Place, read_cases
from bench.analysis_scores import Scores, Tally, numbers
from shared.ai.prices import prices_at
from shared.ai.provider import Answer
from shared.ai.providers.offline import OfflineProvider
from shared.ai.usage import Usage
from shared.errors import Transient
from shared.models.analysis import Classification, ContextFact, MessageAnalysis, Promise, Sentiment

TEXT = "My kettle leaks. I will call on Friday."
CASE = Case(
    id="t1", industry="retail", language="en", kind="plain", subject="", sent_at=datetime(2026, 11, 16, tzinfo=UTC),
    text=TEXT, intents=("support", "complaint"), category="support", priority="normal", sentiment=-0.5,
    entities=Expected((Place("date", 32, 38),), (Place("product", 3, 9),)),
    facts=Expected((Place("support", 0, 15),), (Place("commitment", 17, 39),)),
    promises=Expected((Place("writer", 17, 39, "2026-11-20"),)), risks=frozenset({"churn"}),
)  # fmt: skip
SAID = MessageAnalysis(
    classification=Classification(intent="complaint", category="support", priority="high", language="unknown"),
    sentiment=Sentiment(label="negative", score=-0.3),
    entities=[], summary="", topics=[], facts=[], tags=[], risks=["abuse"],
    promises=[Promise(by="writer", what="call", due=date(2026, 11, 20), quote="I will call", start=17, end=28)],
)  # fmt: skip
LEAK = ContextFact(type="support", fact="leaks", quote="kettle leaks.", start=3, end=16)


@pytest.fixture
def scores() -> Scores:
    """One message that was partly understood."""
    counted = Scores()
    counted.add(CASE, SAID, [LEAK])
    return counted


def test_another_intent_that_counts_as_right_is_right(scores: Scores) -> None:
    assert scores.tally("intent") == scores.tally("intent", "complaint") == Tally(right=1)


def test_a_wrong_label_is_wrong_for_itself_and_missed_for_the_right_one(scores: Scores) -> None:
    assert scores.tally("priority", "high") == Tally(wrong=1)
    assert scores.tally("priority", "normal") == Tally(missed=1)
    assert scores.tally("risk") == Tally(wrong=1, missed=1)


def test_unknown_is_missed_and_never_wrong(scores: Scores) -> None:
    assert scores.tally("language") == Tally(missed=1)
    assert dict(numbers(scores))["language_unknown"] == 1
    assert "language_precision" not in dict(numbers(scores))


def test_a_quote_is_right_when_it_shares_half_its_words_and_a_promise_when_its_day_is_right_too(scores: Scores) -> None:
    assert scores.tally("fact") == scores.tally("promise") == Tally(right=1)
    scores.add(CASE, SAID.model_copy(update={"promises": [SAID.promises[0].model_copy(update={"due": None})]}), [])
    assert scores.tally("promise") == Tally(right=1, wrong=1, missed=1)
    assert scores.tally("fact") == Tally(right=1, missed=1)


def test_what_is_tolerated_or_said_twice_counts_for_nothing() -> None:
    counted = Scores()
    counted.add(CASE, SAID, [LEAK, LEAK, LEAK.model_copy(update={"type": "commitment", "start": 17, "end": 39})])
    assert counted.tally("fact") == Tally(right=1)


def test_sentiment_is_measured_by_its_distance(scores: Scores) -> None:
    figures = dict(numbers(scores))
    assert figures["sentiment_mean_error"] == pytest.approx(0.2)
    assert figures["sentiment_opposite"] == 0
    scores.add(CASE, SAID.model_copy(update={"sentiment": Sentiment(label="positive", score=0.9)}), [])
    assert dict(numbers(scores))["sentiment_opposite"] == 1


class Engine(OfflineProvider):
    """Charges for two of three messages and does not answer the third."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: Iterator[Usage | None] = iter([Usage(input_tokens=5), Usage(output_tokens=2), None])

    async def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Answer[MessageAnalysis]:
        """Answer with the same words each time."""
        usage = next(self.outcomes)
        if usage is None:
            raise Transient("away")
        return Answer(SAID, "m", {}, {}, usage)


async def test_what_is_not_answered_is_counted_as_failed() -> None:
    figures = await analysis.score(Engine(), [CASE, replace(CASE, id="t2"), replace(CASE, id="t3")], prices_at(""))

    assert (figures["failed"], figures["tokens"], figures["cost"]) == (1, 7, 0)
    assert figures["intent_precision"] == 1


def test_a_cost_that_is_not_known_is_left_out() -> None:
    spent = analysis.Spent([0.1])
    spent.add(Decimal("0.5"), Usage(input_tokens=1))
    assert spent.numbers()["cost"] == 0.5
    spent.add(None, Usage())
    assert "cost" not in spent.numbers()


def test_the_command_tells_both_halves_of_the_offline_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AI_PROVIDER", raising=False)
    monkeypatch.setattr(analysis, "read_cases", lambda split: read_cases(split)[:3])

    assert main(["analysis", "--json"]) == 0
    told = capsys.readouterr()

    figures = json.loads(told.out)
    assert figures["analysis_offline_intent"] == figures["analysis_offline_held_out_intent_precision"]
    assert {"analysis_offline_development_entity_f1", "analysis_offline_held_out_latency_ms_median"} <= set(figures)
    assert "A regression set, not a claim" in told.err


async def test_a_model_that_is_configured_is_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PROVIDER", "openai")
    monkeypatch.setenv("OPENAI_API_KEY", "no-key")
    monkeypatch.setattr(analysis, "score", _nothing)

    figures = (await analysis.measured_of_all()).numbers()

    assert {"analysis_offline_held_out_intent_precision", "analysis_openai_held_out_intent_precision"} <= set(figures)


async def _nothing(*_: object) -> dict[str, float]:
    return {"intent_precision": 0.5}
