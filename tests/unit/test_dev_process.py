import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.stack.process import Child, Program
from local.trouble import Trouble

ROOT = Path(__file__).parents[2]


def program(tmp_path: Path, script: str) -> Program:
    return Program(name="Thing", argv=("/bin/sh", "-c", script), log=tmp_path / "logs" / "thing.log", cwd=tmp_path)


def running(pid: int) -> bool:
    """Say whether a process lives; one that only waits to be reaped does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(shown.strip()) and not shown.startswith("Z")


def test_output_goes_to_the_log_and_a_line_says_ready(tmp_path: Path) -> None:
    child = Child(program(tmp_path, "echo starting; echo ready at 5; exec sleep 60"))
    assert child.wait_for_line("ready", seconds=20) == "ready at 5"
    assert child.output() == "starting\nready at 5\n"
    child.stop()
    assert not child.alive()


def test_a_line_of_an_earlier_start_does_not_count(tmp_path: Path) -> None:
    Child(program(tmp_path, "echo ready")).wait_dead(seconds=20)
    child = Child(program(tmp_path, "echo broken; exit 3"))
    with pytest.raises(Trouble):
        child.wait_for_line("ready", seconds=20)


def test_a_death_at_start_is_told_with_the_last_lines_of_the_log(tmp_path: Path) -> None:
    child = Child(program(tmp_path, "echo no such file; exit 3"))
    with pytest.raises(Trouble, match="Thing ended at start with status 3") as told:
        child.wait_until(lambda: False, seconds=20)
    assert told.value.log == "no such file"
    assert "thing.log" in told.value.do


def test_one_that_never_gets_ready_is_killed(tmp_path: Path) -> None:
    child = Child(program(tmp_path, "exec sleep 60"))
    with pytest.raises(Trouble, match="not ready"):
        child.wait_until(lambda: False, seconds=0.2)
    assert not child.alive()


def test_one_that_ignores_the_stop_is_killed(tmp_path: Path) -> None:
    child = Child(program(tmp_path, "trap '' TERM; echo ready; while :; do sleep 0.1; done"))
    child.wait_for_line("ready", seconds=20)
    child.stop(seconds=0.3)
    assert child.wait_dead(seconds=5) == -signal.SIGKILL


def test_a_program_that_is_missing_is_told(tmp_path: Path) -> None:
    child = Child(Program(name="Thing", argv=("/no/such/program",), log=tmp_path / "thing.log", cwd=tmp_path))
    with pytest.raises(Trouble) as told:
        child.wait_until(lambda: False, seconds=20)
    assert "can't start /no/such/program" in told.value.log


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
@pytest.mark.parametrize("in_thread", [False, True], ids=["main thread", "another thread that ends"])
def test_a_child_outlives_the_thread_that_started_it_but_not_a_killed_parent(
    tmp_path: Path, *, in_thread: bool
) -> None:
    script = f"""
import os, pathlib, threading, time
from local.stack.process import Child, Program
def start():
    program = Program(name="Thing", argv=("/bin/sleep", "600"), log=pathlib.Path("thing.log"), cwd=pathlib.Path("."))
    print(Child(program).pid, flush=True)
if {in_thread}:
    thread = threading.Thread(target=start); thread.start(); thread.join()
else:
    start()
time.sleep(600)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.3)
        assert running(child)
        parent.kill()
    deadline = time.monotonic() + 20
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not running(child)
