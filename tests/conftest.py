import secrets
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings

from local.checkout import STATE
from local.stack.stack import Stack
from tests.measured import MEASURED

# A busy machine is no failure: examples have no time limit.
settings.register_profile("hub", deadline=None)
settings.load_profile("hub")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured, also those that ran in other processes."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == MEASURED:
                terminalreporter.write_line(str(value))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One real local stack for the whole run, empty at its start and gone at its end, schema at its newest."""
    state = STATE / f"test-{secrets.token_hex(4)}"
    running = Stack(state, in_memory=True)
    running.start()
    yield running
    running.stop()
    shutil.rmtree(state)
