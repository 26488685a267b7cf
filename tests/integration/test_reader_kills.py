"""The reader killed at each of its steps, in a process of its own: no gap, nothing twice, position and rows as one."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.checkout import CHECKOUT
from shared.failpoints import Name
from tests.integration.reading_place import Held, Place, held
from tests.integration.shop import Document

pytest_plugins = ["tests.integration.reading_fixtures"]

CHILD = Path(__file__).with_name("reading_child.py")
PAGE = 3
# In the order in which a page passes them.
BEFORE_COMMIT: tuple[Name, ...] = (
    "sweep.reading", "sweep.page_read", "sync.rows_written", "sync.applied", "sweep.position_moved", "sync.committing",
)  # fmt: skip
STEPS: tuple[Name, ...] = (*BEFORE_COMMIT, "sync.committed")


async def run(place: Place, failpoints: str) -> tuple[int, str]:
    """Run the reader in a child until it ends or dies; return its exit code and what it said on standard error."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), str(PAGE), cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | place.settings | {"FAILPOINTS": failpoints, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    _, said = await asyncio.wait_for(child.communicate(), timeout=60)
    assert child.returncode is not None
    return child.returncode, said.decode()


async def story(place: Place) -> list[list[Document]]:
    """Write documents, a poisoned one too, change and delete some; return the pages that the feed makes of it."""
    documents = await place.fill(5)
    for which, changed in ((0, {"content": "corrected"}), (1, {"content": "", "deleted": True})):
        documents[which] = await place.write(documents[which] | changed | {"version": int(time.time() * 1e6)})
    await place.fill(1, content="a\0b")
    await place.fill(2)
    feed = [dict(each) async for each in place.container.query_items_change_feed(start_time="Beginning")]
    return [feed[at : at + PAGE] for at in range(0, len(feed), PAGE)]


def good(pages: list[list[Document]]) -> Held:
    return held(each for page in pages for each in page if "\0" not in each["content"])


def passed(place: Place) -> int:
    """How far the position is, as the place of a change in the feed."""
    token = place.position().ranges[0].token
    assert token
    (inner,) = json.loads(base64.b64decode(token))["continuation"]["continuation"]
    return int(inner["token"].strip('"').rpartition(":")[2])


@pytest.mark.parametrize("step", STEPS)
async def test_a_reader_killed_at_any_step_leaves_position_and_rows_as_one(place: Place, step: Name) -> None:
    pages = await story(place)
    code, said = await run(place, f"{step}=kill@2")
    assert code == -signal.SIGKILL, said

    whole = 1 if step in BEFORE_COMMIT else 2
    assert place.in_postgres() == good(pages[:whole])
    assert passed(place) == pages[whole - 1][-1]["_lsn"]

    swept = await place.reader(page_size=PAGE).sweep()
    assert (swept.documents, swept.stopped) == (sum(map(len, pages[whole:])), None)
    assert place.in_postgres() == good(pages)
    (letter,) = place.rows("SELECT seen FROM dead_letters WHERE payload->>'projectId' = %s", str(place.id))
    assert letter["seen"] == 1


async def test_a_reader_killed_again_and_again_comes_to_the_end(place: Place) -> None:
    pages = await story(place)
    for step in STEPS:
        code, said = await run(place, f"{step}=kill")
        assert code == -signal.SIGKILL, said
    code, said = await run(place, "")
    assert code == 0, said
    assert place.in_postgres() == good(pages)
    assert (await place.reader().sweep()).documents == 0
