"""Retry policies as functions declare them: `fixed_delay` and `exponential_backoff`."""

import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from local.host.configuration import time_span
from shared.errors import Misconfigured

FOREVER = -1
_SHORTEST, _LONGEST = "00:00:04", "00:15:00"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often (`FOREVER` = without end) and after which waits a failed call is made again.

    Retry n (from 1) waits `minimum` · 2ⁿ⁻¹, at most `maximum`; both are equal for a fixed delay. That is the real
    host's RandomizedExponentialBackoffStrategy without its jitter.
    """

    max_retries: int
    minimum: timedelta
    maximum: timedelta

    def delays(self) -> Iterator[timedelta]:
        """Yield the wait before each retry, as many as there are retries."""
        numbers = itertools.count() if self.max_retries == FOREVER else iter(range(self.max_retries))
        delay = self.minimum
        for _ in numbers:
            yield min(delay, self.maximum)
            delay = min(delay * 2, self.maximum)


def parse_retry(declared: Mapping[str, object] | None) -> RetryPolicy | None:
    """Return the policy in a decorator's settings (all values are text), None without one.

    Misconfigured names the value that is wrong. Defaults as in Azure: 0:00:04 for a missing interval, 0:15:00 for
    the maximum.
    """
    if not declared:
        return None
    try:
        policy = _parse(declared)
    except ValueError as error:
        raise Misconfigured(f"retry policy: {error}") from error
    if policy.max_retries < FOREVER or policy.maximum < policy.minimum:
        raise Misconfigured("retry policy: max_retry_count is below -1 or maximum_interval below minimum_interval")
    return policy


def _parse(declared: Mapping[str, object]) -> RetryPolicy:
    count = int(str(declared.get("max_retry_count")))
    match declared.get("strategy"):
        case "fixed_delay":
            delay = time_span(declared.get("delay_interval") or _SHORTEST)
            return RetryPolicy(count, delay, delay)
        case "exponential_backoff":
            minimum = time_span(declared.get("minimum_interval") or _SHORTEST)
            return RetryPolicy(count, minimum, time_span(declared.get("maximum_interval") or _LONGEST))
        case other:
            raise ValueError(f"strategy {other!r} is neither fixed_delay nor exponential_backoff")


async def run_with_retry(
    policy: RetryPolicy | None, attempt: Callable[[int], Awaitable[bool]], pause: Callable[[float], Awaitable[None]]
) -> bool:
    """Call `attempt` with the retry's number from 0 until it returns True or the policy ends; return its last answer.

    `pause` waits that many seconds, here inside the invocation: a feed range or a timer stands still meanwhile.
    """
    succeeded = await attempt(0)
    for number, delay in enumerate(policy.delays() if policy else (), start=1):
        if succeeded:
            break
        await pause(delay.total_seconds())
        succeeded = await attempt(number)
    return succeeded
