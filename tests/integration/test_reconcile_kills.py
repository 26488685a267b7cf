"""The reconciler killed while it reads and while it repairs, in a process of its own: the next run makes up for it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.checkout import CHECKOUT
from shared.failpoints import Name
from tests.integration.reconcile_place import Stores, ids

pytest_plugins = ["tests.integration.reading_fixtures", "tests.integration.reconcile_fixtures"]

CHILD = Path(__file__).with_name("reconcile_child.py")


async def killed(stores: Stores, failpoint: str) -> None:
    """Run the reconciler in a child that dies at a failpoint."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | stores.place.settings | {"FAILPOINTS": f"{failpoint}=kill", "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    _, said = await asyncio.wait_for(child.communicate(), timeout=60)
    assert child.returncode == -signal.SIGKILL, said.decode()


@pytest.mark.parametrize(
    ("step", "found", "repaired"),
    [
        ("reconcile.page_read", 0, False),
        ("sync.applied", 8, False),
        ("sync.committing", 8, False),
        ("sync.committed", 8, True),
    ],
)
async def test_a_reconciler_killed_at_any_step_is_made_up_for(
    stores: Stores, step: Name, found: int, *, repaired: bool
) -> None:
    written = await stores.fill(20)
    stores.sql("UPDATE interactions SET content = 'another'", written[:8])
    await asyncio.sleep(1.01 - time.time() % 1)

    await killed(stores, step)
    assert sum(map(len, stores.findings(still_open=True).values())) == found
    others = stores.place.rows("SELECT 1 FROM interactions WHERE content = 'another'")
    assert len(others) == (0 if repaired else 8)
    assert stores.place.rows("SELECT 1 FROM reconciliations WHERE finished_at IS NOT NULL") == []

    await stores.reconciler(window=10, page=5).run()
    assert stores.findings() == ({"other_content": ids(written[:8])})
    assert stores.findings(still_open=True) == {}
    await stores.agree()
