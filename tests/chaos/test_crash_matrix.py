import random
import secrets
import shutil
import time
from collections.abc import Iterator

import pytest

from local.checkout import STATE
from local.stack.stack import Stack
from shared.failpoints import NAMES
from tests.chaos.matrix import Matrix, at_night, crashes, is_on_the_way, times
from tests.chaos.supervisor import Supervisor
from tests.chaos.traffic import Traffic
from tests.e2e.hub import SHORT

FIRINGS = 5
CRASHES_IN_A_ROW = 6
# As often as there is time for: a run that lasts longer than its pause is all that a small machine would do.
OFTEN = {
    "SWEEP_CHANGES_SCHEDULE": "*/2 * * * * *",
    "RECONCILE_STORES_SCHEDULE": "*/3 * * * * *",
    "RECONCILE_AFTER_SECONDS": "2",
}


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    """A stack and a hub of this test alone."""
    state, seed = STATE / f"test-{secrets.token_hex(4)}", random.randrange(2**32)
    stack = Stack(state, in_memory=True)
    stack.start()
    host = Supervisor(stack, SHORT | OFTEN)
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
    for turn in range(times()):
        for at in (1, 2, 3):
            matrix.break_all(at=at)
        matrix.recover()
        for number, (name, action, at) in enumerate(crashes(turn), start=1):
            matrix.crash(name, action, at)
            if number % CRASHES_IN_A_ROW == 0:
                matrix.recover()
    wrong = matrix.verdict()
    with capsys.disabled():
        print(f"\n{matrix.table(wrong)}\n{time.monotonic() - started:.0f} s")  # noqa: T201 # what the run is for
    assert wrong == []
    for name in NAMES:
        fired = sum(matrix.fired[name, action] for action in ("kill", "hang", "raise"))
        assert fired >= (FIRINGS if is_on_the_way(name) or at_night() else FIRINGS - 1) * times()
