from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clients import Run, run_at_once
from bench.figures import Figure, paired_ratio, percentile
from bench.imports import APP, LIBRARY, NOTHING
from bench.imports import compare as compare_imports
from bench.ingest import compare as compare_ingest

POSITIVE = st.lists(st.floats(min_value=0.001, max_value=1e6), min_size=1, max_size=50)


def run(rate: float, latency: float) -> Run:
    return Run(seconds=100 / rate, latencies=[latency] * 100)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.5, 50), (0.95, 95), (1.0, 100), (0.001, 1)],
)
def test_a_percentile_is_the_value_that_its_share_does_not_exceed(share: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


@given(POSITIVE)
def test_percentiles_are_measured_values_and_grow_with_their_share(values: list[float]) -> None:
    found = [percentile(values, share) for share in (0.01, 0.5, 0.95, 1.0)]
    assert set(found) <= set(values)
    assert found == sorted(found)


def test_a_machine_that_slows_down_for_a_round_does_not_move_the_ratio() -> None:
    assert paired_ratio([90, 9, 90], [100, 10, 100]) == 0.9


def test_rounds_without_their_limit_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1, 2], [1])


@pytest.mark.parametrize(
    ("value", "reach", "reached"),
    [(0.8, "at least", True), (0.79, "at least", False), (1.8, "at most", True), (1.81, "at most", False)],
)
def test_a_goal_is_reached_from_its_side(*, value: float, reach: Literal["at least", "at most"], reached: bool) -> None:
    goal = 0.8 if reach == "at least" else 1.8
    figure = Figure("figure", value, goal, reach)
    assert figure.reached is reached
    assert ("reached" in str(figure)) is reached


def test_ingest_is_compared_with_the_floor_as_it_comes_and_with_the_apps_options() -> None:
    result = compare_ingest([run(200, 0.08)] * 3, [run(250, 0.06)] * 3, [run(180, 0.09)] * 3)
    numbers = result.numbers()
    assert next(iter(numbers)) == "ingest_vs_storage_floor"
    assert numbers["ingest_vs_storage_floor"] == pytest.approx(0.9)
    assert numbers["ingest_vs_tuned_storage"] == pytest.approx(0.72)
    assert numbers["ingest_requests_per_second"] == pytest.approx(180)
    assert numbers["ingest_p95_ms"] == pytest.approx(90)
    assert result.figure.reached


def test_imports_are_compared_round_by_round() -> None:
    result = compare_imports({NOTHING: [0.01, 0.01], LIBRARY: [0.1, 0.2], APP: [0.15, 0.3]})
    numbers = result.numbers()
    assert numbers["import_vs_azure_functions"] == 1.5
    assert numbers["import_function_app_ms"] == 225


async def test_every_item_is_worked_on_once_by_some_worker() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        done.append(item)

    finished = await run_at_once([work] * 4, range(20))
    assert sorted(done) == list(range(20))
    assert len(finished.latencies) == 20
    assert finished.rate == pytest.approx(20 / finished.seconds)
