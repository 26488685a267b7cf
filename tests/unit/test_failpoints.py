"""Failpoints: only those that there are, only when asked for, only at the pass that was asked for."""

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.checkout import CHECKOUT
from shared import failpoints
from shared.errors import Misconfigured
from shared.failpoints import NAMES, failpoint


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets FAILPOINTS; nothing stays armed."""
    monkeypatch.setattr(failpoints, "_passed", Counter())
    failpoints.check.cache_clear()
    yield monkeypatch
    failpoints.check.cache_clear()


def used(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint":
            yield ast.literal_eval(node.args[0])


def test_every_failpoint_of_the_code_has_one_name_and_one_place() -> None:
    found = [name for path in (CHECKOUT / "shared").rglob("*.py") for name in used(path)]
    assert sorted(found) == sorted(NAMES)


def test_nothing_happens_when_nothing_is_armed(arm: pytest.MonkeyPatch) -> None:
    arm.delenv("FAILPOINTS", raising=False)
    for name in NAMES:
        failpoint(name)
    assert failpoints.check() == {}


def test_it_happens_at_the_pass_that_was_asked_for_and_once(arm: pytest.MonkeyPatch) -> None:
    arm.setenv("FAILPOINTS", "store.done=raise@2, ingest.verified=raise")
    failpoint("store.done")
    with pytest.raises(RuntimeError, match=r"store\.done"):
        failpoint("store.done")
    failpoint("store.done")
    with pytest.raises(RuntimeError, match=r"ingest\.verified"):
        failpoint("ingest.verified")


@pytest.mark.parametrize(
    "wrong", ["store.lost=kill", "store.done", "store.done=explode", "store.done=kill@0", "store.done=kill@x", "=kill"]
)
def test_what_there_is_not_is_refused(arm: pytest.MonkeyPatch, wrong: str) -> None:
    arm.setenv("FAILPOINTS", wrong)
    with pytest.raises(Misconfigured, match="FAILPOINTS: "):
        failpoints.check()


def test_the_host_does_not_start_with_a_failpoint_that_there_is_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.host", "--port", "0"],
        env={**os.environ, "FAILPOINTS": "store.lost=kill"},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "the host can't start: FAILPOINTS: there is no failpoint 'store.lost'",
    )


def test_a_kill_is_said_before_it_happens() -> None:
    code = "from shared.failpoints import failpoint; failpoint('store.done'); print('alive')"
    env = {**os.environ, "FAILPOINTS": "store.done=kill"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-9, "", "failpoint store.done kill\n")
