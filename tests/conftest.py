import secrets
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings

from local.checkout import STATE
from local.stack.stack import Stack

# A busy machine is no failure: examples have no time limit.
settings.register_profile("hub", deadline=None)
settings.load_profile("hub")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One real local stack for the whole run, empty at its start and gone at its end, schema at its newest."""
    state = STATE / f"test-{secrets.token_hex(4)}"
    running = Stack(state, in_memory=True)
    running.start()
    yield running
    running.stop()
    shutil.rmtree(state)
