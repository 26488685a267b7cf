"""What the offline engine reaches at the labelled messages, almost: no change may make it worse.

The floors of the held-out half are lower: no rule was tuned to it.
"""

import pytest

from bench.analysis import score
from bench.analysis_cases import Split, read_cases
from shared.ai.prices import prices_at
from shared.ai.providers.offline import OfflineProvider

FLOORS: dict[Split, dict[str, float]] = {
    "development": {
        "intent_precision": 0.95, "category_precision": 0.93, "priority_precision": 0.91, "language_precision": 0.98,
        "sentiment_precision": 0.87, "entity_f1": 0.95, "entity_precision": 0.96, "fact_precision": 0.94,
        "fact_recall": 0.93, "promise_precision": 0.99, "risk_precision": 0.93, "risk_recall": 0.93,
    },
    "held_out": {
        "intent_precision": 0.85, "category_precision": 0.78, "priority_precision": 0.88, "language_precision": 0.98,
        "sentiment_precision": 0.79, "entity_f1": 0.94, "entity_precision": 0.95, "fact_precision": 0.92,
        "fact_recall": 0.6, "promise_precision": 0.99, "risk_precision": 0.93, "risk_recall": 0.7,
    },
}  # fmt: skip
CEILINGS: dict[Split, dict[str, float]] = {
    "development": {"sentiment_mean_error": 0.15, "sentiment_opposite": 0, "failed": 0, "cost": 0},
    "held_out": {"sentiment_mean_error": 0.2, "sentiment_opposite": 1, "failed": 0, "cost": 0},
}


@pytest.mark.parametrize("split", FLOORS)
async def test_the_offline_engine_stays_as_good_as_it_is(split: Split) -> None:
    figures = await score(OfflineProvider(), read_cases(split), prices_at(""))

    assert {name: value for name, value in figures.items() if value < FLOORS[split].get(name, value)} == {}
    assert {name: value for name, value in figures.items() if value > CEILINGS[split].get(name, value)} == {}
    assert set(FLOORS[split]) | set(CEILINGS[split]) <= set(figures)
