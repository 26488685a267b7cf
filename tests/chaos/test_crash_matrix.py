import random
import secrets
import shutil
import time
from collections.abc import Iterator

import pytest

from local.checkout import STATE
from local.stack.stack import Stack
from shared.failpoints import NAMES
from tests.chaos.matrix import Matrix, times
from tests.chaos.supervisor import Supervisor
from tests.chaos.traffic import Traffic
from tests.e2e.hub import SHORT

FIRINGS = 5


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    """A stack and a hub of this test alone."""
    state, seed = STATE / f"test-{secrets.token_hex(4)}", random.randrange(2**32)
    stack = Stack(state, in_memory=True)
    stack.start()
    host = Supervisor(stack, SHORT | {"LOCAL_HOST_QUEUE_LEASE_SECONDS": "1"})
    traffic = Traffic(stack, host.base_url, random.Random(seed))
    traffic.prepare()
    yield Matrix(host, traffic)
    host.close()
    stack.stop()
    shutil.rmtree(state)


@pytest.mark.timeout(0)
def test_whatever_dies_wherever_nothing_is_lost_doubled_invented_stale_or_leaked(
    matrix: Matrix, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    for _ in range(times()):
        matrix.break_all(at=1)
        matrix.break_all(at=2)
        matrix.recover()
        for name in NAMES:
            for action, at in (("kill", 1), ("hang", 1), ("kill", 2)):
                matrix.crash(name, action, at)
            matrix.recover()
    wrong = matrix.verdict()
    with capsys.disabled():
        print(f"\n{matrix.table(wrong)}\n{time.monotonic() - started:.0f} s")  # noqa: T201 # what the run is for
    assert wrong == []
    for name in NAMES:
        assert sum(matrix.fired[name, action] for action in ("kill", "hang", "raise")) >= FIRINGS * times()
