"""What is understood of 120 labelled messages, by the offline engine and by the model that is configured.

A regression set, not a claim: it says whether a change made an engine better or worse at these messages. One half was
looked at while the rules were written, the other was held out.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import median

from bench.analysis_cases import SPLITS, Case, Split, read_cases
from bench.analysis_scores import Scores, numbers
from bench.figures import Figure, Result, percentile
from bench.progress import say
from shared.ai.masking import Mask
from shared.ai.prices import PriceTable, Sold, prices_at
from shared.ai.provider import Answer, Call, ModelProvider, Unusable
from shared.ai.providers.offline import OfflineProvider
from shared.ai.seen import see
from shared.ai.usage import Usage
from shared.analysis.findings import Given, findings
from shared.errors import HubError
from shared.models.analysis import MessageAnalysis
from shared.services import Services
from shared.settings import Settings

GOAL = 0.85
MILLISECONDS = 1000
SUBJECT_CHARACTERS = 500
# The settings that this needs none of.
UNUSED = (
    "HubStorage", "HubCosmos", "COSMOS_DATABASE", "POSTGRES_DSN", "SECRET_KEYS", "PUBLIC_BASE_URL",
    "SWEEP_INBOUND_SCHEDULE", "PUBLISH_SOURCES_SCHEDULE", "SWEEP_CHANGES_SCHEDULE", "RECONCILE_STORES_SCHEDULE",
    "SETTLE_AI_INTERACTIONS_SCHEDULE",
)  # fmt: skip
SHOWN = (
    ("intent", "intent_precision"), ("category", "category_precision"), ("priority", "priority_precision"),
    ("language", "language_precision"), ("sentiment off by", "sentiment_mean_error"), ("entity F1", "entity_f1"),
    ("fact precision", "fact_precision"), ("fact recall", "fact_recall"), ("promise F1", "promise_f1"),
    ("risk precision", "risk_precision"), ("risk recall", "risk_recall"),
)  # fmt: skip


@dataclass(slots=True)
class Spent:
    """What an engine took; `cost` is None where a price is unknown."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    tokens: int = 0
    cost: Decimal | None = Decimal(0)

    def add(self, cost: Decimal | None, usage: Usage) -> None:
        """Count one call that was answered."""
        self.tokens += usage.total_tokens or 0
        self.cost = None if cost is None or self.cost is None else self.cost + cost

    def numbers(self) -> dict[str, float]:
        """Return the figures by name, without a cost that is not known."""
        known = {} if self.cost is None else {"cost": float(self.cost)}
        return {
            "latency_ms_median": median(self.seconds) * MILLISECONDS,
            "latency_ms_p95": percentile(self.seconds, 0.95) * MILLISECONDS,
            "failed": self.failed,
            "tokens": self.tokens,
            **known,
        }


def measure() -> Result:
    """Analyse every message with every engine there is."""
    return asyncio.run(measured_of_all())


async def measured_of_all() -> Result:
    """Return the result of the offline engine and of the one that the settings name, if that is another."""
    settings = Settings.model_validate({name: "unused" for name in UNUSED if name not in os.environ})
    services = Services(settings)
    engines: list[ModelProvider] = [OfflineProvider()]
    configured = services.gateway.provider
    if configured.name != "offline":
        engines.append(configured)
    prices = prices_at(settings.ai_prices_file)
    found: dict[tuple[str, Split], dict[str, float]] = {}
    try:
        for engine in engines:
            for split in SPLITS:
                say(f"  {engine.name}, {split.replace('_', ' ')}")
                found[engine.name, split] = await score(engine, read_cases(split), prices)
    finally:
        await services.close()
    return compare(found)


async def score(engine: ModelProvider, cases: Iterable[Case], prices: PriceTable) -> dict[str, float]:
    """Return the figures of one engine over these messages, asked one after the other."""
    scores, spent = Scores(), Spent()
    for case in cases:
        mask = Mask((case.text, case.subject)) if engine.hosted else None
        given = Given(see(case.text, mask), see(case.subject, mask, most=SUBJECT_CHARACTERS), mask)
        started = time.perf_counter()
        answered = await _asked(engine, given, case.sent_at, prices, spent)
        spent.seconds.append(time.perf_counter() - started)
        if answered is None:
            spent.failed += 1
            continue
        believed = findings(answered, given, inbound=True)
        scores.add(case, believed.analysis, believed.facts)
    return dict(numbers(scores)) | spent.numbers()


async def _asked(
    engine: ModelProvider, given: Given, sent_at: datetime, prices: PriceTable, spent: Spent
) -> MessageAnalysis | None:
    """Ask as the gateway does, repairs and all; None for what can't be had."""
    question = engine.analyze_message(given.seen.text, subject=given.subject.text, sent_at=sent_at)
    sold = question if isinstance(question, Call) else None
    while True:
        try:
            answer: Answer[MessageAnalysis] = await question
        except Unusable as error:
            spent.add(_cost(sold, error.sent.answered_by, error.sent.usage, prices), error.sent.usage)
            if error.repair is None:
                return None
            question = sold = error.repair
        except HubError as error:
            say(f"  not answered: {error}")
            return None
        else:
            spent.add(_cost(sold, answer.answered_by, answer.usage, prices), answer.usage)
            return answer.value


def _cost(
    call: "Call[Answer[MessageAnalysis]] | None", answered_by: str, usage: Usage, prices: PriceTable
) -> Decimal | None:
    if call is None:
        return Decimal(0)
    models = tuple(name for name in (answered_by, call.model) if name)
    return prices.cost(Sold(call.vendor, call.deployment, models), usage, _today())


def _today() -> date:
    return datetime.now(UTC).date()


def compare(found: dict[tuple[str, Split], dict[str, float]]) -> Result:
    """Return the result of the figures by engine and half."""
    held = found["offline", "held_out"]
    return Result(
        figure=Figure("analysis_offline_intent", held["intent_precision"], GOAL, "at least"),
        columns=("", *(f"{engine}, {split.replace('_', ' ')}" for engine, split in found)),
        rows=tuple((shown, *(_cell(each, name) for each in found.values())) for shown, name in _rows()),
        notes=(
            "A regression set, not a claim: 120 messages written and labelled by hand for it, in 6 languages.",
            "The rules were tuned on the development half alone; the ratio is the share of right intents of the other,",
            "which the same hand wrote before: messages of strangers will be understood less well than both.",
            "Scored is what would be stored: after the checks that every engine's answer goes through.",
        ),
        measured={
            f"analysis_{engine}_{split}_{name}": value
            for (engine, split), each in found.items()
            for name, value in each.items()
        },
    )


def _rows() -> tuple[tuple[str, str], ...]:
    return (*SHOWN, ("ms a message", "latency_ms_median"), ("failed", "failed"), ("cost", "cost"))


def _cell(figures: dict[str, float], name: str) -> str:
    return f"{figures[name]:.3f}" if name in figures else "-"
