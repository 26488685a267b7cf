from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from local.host.configuration import time_span
from local.host.ncrontab import Cron, parse_schedule
from local.host.retry import RetryPolicy, parse_retry, run_with_retry
from shared.errors import Misconfigured

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("expression", "occurrence"),
    [
        ("* * * * * *", "2026-03-04T12:00:01"),
        ("0 * * * * *", "2026-03-04T12:01:00"),
        ("* * * * *", "2026-03-04T12:01:00"),  # five fields: seconds are 0
        ("*/20 * * * * *", "2026-03-04T12:00:20"),
        ("5,10 * * * * *", "2026-03-04T12:00:05"),
        ("0 30 9-11 * * *", "2026-03-05T09:30:00"),
        ("0 0 0 1 * *", "2026-04-01T00:00:00"),
        ("0 0 0 * Jan *", "2027-01-01T00:00:00"),
        ("0 0 0 * * Mon-Fri", "2026-03-05T00:00:00"),
        ("0 0 0 * * Sunday", "2026-03-08T00:00:00"),
        ("0 0 0 13 * 5", "2026-03-13T00:00:00"),  # day AND weekday: the next Friday the 13th
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("50/3 * * * * *", "2026-03-04T12:00:50"),
        ("00:00:30", "2026-03-04T12:00:30"),
        ("1.00:00:00", "2026-03-05T12:00:00"),
    ],
)
def test_the_next_occurrence_is_found(expression: str, occurrence: str) -> None:
    assert parse_schedule(expression).after(NOON) == datetime.fromisoformat(occurrence).replace(tzinfo=UTC)


def test_a_29_february_across_a_century_is_found() -> None:
    moment = datetime(2096, 3, 1, tzinfo=UTC)
    assert parse_schedule("0 0 0 29 2 *").after(moment) == datetime(2104, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    [
        *("", "* * *", "* * * * * * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *", "* * * * * 7"),
        *(
            "5-1 * * * * *",
            "*/0 * * * * *",
            "a * * * * *",
            "*-5 * * * * *",
            "0 0 0 30 2 *",
            "00:00:00",
            "1:2:3",
            ", * * * * *",
        ),
    ],
)
def test_an_expression_that_means_nothing_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        parse_schedule(expression)


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    single = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, high).map(lambda every: f"*/{every}")
    listed = st.lists(single | span, min_size=1, max_size=3).map(",".join)
    return st.just("*") | listed | step


@settings(max_examples=200)
@given(
    fields=st.tuples(
        numbers(0, 59), numbers(0, 59), numbers(0, 23), numbers(1, 28), numbers(1, 12), st.just("*") | numbers(0, 6)
    ),
    seconds=st.integers(0, 20 * 366 * 86_400),
)
def test_an_occurrence_fits_every_field_and_none_lies_between(fields: tuple[str, ...], seconds: int) -> None:
    moment = NOON + timedelta(seconds=seconds, milliseconds=seconds % 1000)
    try:
        schedule = parse_schedule(" ".join(fields))
    except ValueError as error:
        assume("never occurs" not in str(error))
        raise
    assert isinstance(schedule, Cron)
    found = schedule.after(moment)
    assert found > moment
    assert fits(schedule, found)
    # Sampled: walking every second of years between would take too long.
    gap = int((found - moment).total_seconds())
    for second in {*range(1, min(gap, 200)), *range(1, gap, max(1, gap // 200))}:
        between = moment.replace(microsecond=0) + timedelta(seconds=second)
        assert between >= found or not fits(schedule, between)


def fits(cron: Cron, at: datetime) -> bool:
    return (
        at.second in cron.seconds
        and at.minute in cron.minutes
        and at.hour in cron.hours
        and at.day in cron.days
        and at.month in cron.months
        and at.isoweekday() % 7 in cron.weekdays
        and at.microsecond == 0
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:30", 30.0), ("01:00:00", 3600.0), ("1.02:03:04", 93784.0), ("00:00:00.25", 0.25)],
)
def test_a_time_span_of_dotnet_is_read(text: str, seconds: float) -> None:
    assert time_span(text).total_seconds() == seconds


def waits(policy: RetryPolicy, count: int) -> list[float]:
    return [delay.total_seconds() for delay, _ in zip(policy.delays(), range(count), strict=False)]


def test_a_fixed_delay_is_the_same_each_time_and_ends() -> None:
    policy = parse_retry({"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "00:00:05"})
    assert policy is not None
    assert waits(policy, 10) == [5.0, 5.0, 5.0]


def test_an_exponential_backoff_doubles_up_to_its_maximum_and_may_be_endless() -> None:
    policy = parse_retry(
        {
            "strategy": "exponential_backoff",
            "max_retry_count": "-1",
            "minimum_interval": "00:00:05",
            "maximum_interval": "00:00:30",
        }
    )
    assert policy is not None
    assert waits(policy, 6) == [5.0, 10.0, 20.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize(
    "declared",
    [
        {"strategy": "fixed_delay"},
        {"strategy": "fixed_delay", "max_retry_count": "many"},
        {"strategy": "fixed_delay", "max_retry_count": "-2"},
        {"strategy": "fixed_delay", "max_retry_count": "1", "delay_interval": "5s"},
        {"strategy": "exponential_backoff", "max_retry_count": "1", "minimum_interval": "00:20:00"},
    ],
)
def test_a_policy_that_means_nothing_is_refused(declared: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        parse_retry(declared)


@pytest.mark.parametrize(
    ("fails", "retries", "tries", "succeeded"), [(0, 3, 1, True), (2, 3, 3, True), (9, 3, 4, False), (9, 0, 1, False)]
)
async def test_a_call_is_made_again_until_it_succeeds_or_the_policy_ends(
    fails: int, retries: int, tries: int, *, succeeded: bool
) -> None:
    seen: list[int] = []
    paused: list[float] = []

    async def attempt(number: int) -> bool:
        seen.append(number)
        return number >= fails

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    policy = RetryPolicy(retries, timedelta(seconds=1), timedelta(seconds=2))
    assert await run_with_retry(policy, attempt, pause) is succeeded
    assert seen == list(range(tries))
    assert paused == [1.0, 2.0, 2.0][: tries - 1]


async def test_without_a_policy_a_call_is_made_once() -> None:
    seen: list[int] = []

    async def attempt(number: int) -> bool:
        seen.append(number)
        return False

    async def never(_seconds: float) -> None:
        raise AssertionError

    assert not await run_with_retry(None, attempt, never)
    assert seen == [0]
