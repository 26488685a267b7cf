"""Rests: how often a model that does not answer is asked, whoever waits for it."""

import heapq
from datetime import UTC, datetime, timedelta

import pytest

from shared.ai.pauses import LONGEST, LONGEST_UNASKED, PATIENCE, Pauses
from shared.ai.provider import Away, NotAsked

TUESDAY = datetime(2024, 3, 5, 10, tzinfo=UTC)


class HeldClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = TUESDAY

    def now(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def pauses(clock: HeldClock) -> Pauses:
    return Pauses(clock)


def left(pauses: Pauses, model: str = "m") -> float:
    with pytest.raises(NotAsked) as rest:
        pauses.check(model)
    assert rest.value.retry_after
    return rest.value.retry_after.total_seconds()


def asked(seconds: float) -> Away:
    return Away("429", retry_after=timedelta(seconds=seconds))


def test_a_model_that_asked_for_a_rest_is_left_alone_until_it_is_over(pauses: Pauses, clock: HeldClock) -> None:
    pauses.failed("m", asked(7))
    clock.move(3)
    assert left(pauses) == 4
    clock.move(5)
    pauses.check("m")


def test_a_rest_is_never_longer_than_its_limit_and_of_one_model_alone(pauses: Pauses) -> None:
    pauses.failed("slow", asked(86_400))
    pauses.failed("fast", Away("500"))
    pauses.check("fast")
    assert left(pauses, "slow") == LONGEST.total_seconds()


def test_a_single_failure_stops_nobody_and_the_third_in_a_row_does(pauses: Pauses) -> None:
    for _ in range(PATIENCE - 1):
        pauses.failed("m", Away("500"))
        pauses.check("m")
    pauses.failed("m", Away("500"))
    assert left(pauses) == 1


def test_after_a_rest_one_call_tries_for_all(pauses: Pauses, clock: HeldClock) -> None:
    pauses.failed("m", asked(1))
    clock.move(1)
    pauses.check("m")
    assert left(pauses) > 0
    pauses.answered("m")
    for _ in range(3):
        pauses.check("m")


def test_a_try_that_was_never_made_is_another_ones(pauses: Pauses, clock: HeldClock) -> None:
    pauses.failed("m", asked(1))
    clock.move(1)
    pauses.check("m")
    pauses.not_tried("m")
    pauses.check("m")


def test_a_try_whose_worker_is_gone_does_not_keep_the_others_out(pauses: Pauses, clock: HeldClock) -> None:
    pauses.failed("m", asked(1))
    clock.move(1)
    pauses.check("m")
    clock.move(pauses.deadline.total_seconds())
    pauses.check("m")


@pytest.mark.parametrize(("error", "longest"), [(Away("500"), LONGEST_UNASKED), (asked(1), LONGEST_UNASKED)])
def test_a_rest_doubles_while_the_model_stays_away(
    pauses: Pauses, clock: HeldClock, error: Away, longest: timedelta
) -> None:
    if not error.retry_after:
        for _ in range(PATIENCE - 1):
            pauses.failed("m", error)
    rests = []
    for _ in range(10):
        pauses.failed("m", error)
        rests.append(left(pauses))
        clock.move(rests[-1])
        pauses.check("m")
    assert rests[:4] == [1, 2, 4, 8]
    assert rests[-1] == longest.total_seconds()


def test_calls_that_were_under_way_when_the_rest_began_make_it_no_longer(pauses: Pauses) -> None:
    for _ in range(16):
        pauses.failed("m", asked(1))
    assert left(pauses) == 1


def storm(workers: int, messages: int, *, minutes: int, retry_after: float) -> tuple[int, int]:
    """Play a storm of refusals on host time; return how many calls were made and how many messages were answered.

    Each worker is a process with rests of its own; what is not answered comes back as `functions/work.py` sends it.
    """
    clock = HeldClock()
    rests = [Pauses(clock) for _ in range(workers)]
    over = TUESDAY + timedelta(minutes=minutes)
    waiting = [(TUESDAY, number, 0) for number in range(messages)]
    heapq.heapify(waiting)
    calls = answered = 0
    while waiting:
        moment, number, attempt = heapq.heappop(waiting)
        clock.moment = max(clock.moment, moment)
        mine = rests[number % workers]
        wait = timedelta(0)
        try:
            mine.check("m")
            calls += 1
            if clock.moment >= over:
                mine.answered("m")
                answered += 1
                continue
            error = Away("429", retry_after=timedelta(seconds=retry_after))
            mine.failed("m", error)
            wait = error.retry_after or wait
        except NotAsked as rest:
            wait = rest.retry_after or wait
        grown = timedelta(seconds=min(2 ** min(attempt, 20), 900))
        heapq.heappush(waiting, (clock.moment + max(grown, min(wait, timedelta(seconds=900))), number, attempt + 1))
    return calls, answered


@pytest.mark.parametrize("retry_after", [1, 20])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_storm_of_refusals_costs_a_tenth_more_calls_than_there_are_messages(workers: int, retry_after: float) -> None:
    calls, answered = storm(workers, 2000, minutes=30, retry_after=retry_after)
    assert answered == 2000
    assert calls <= 1.1 * 2000
