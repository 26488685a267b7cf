import json
import signal
import stat
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack.host import HostProcess
from local.stack.ports import free_port
from local.stack.stack import Stack


@pytest.fixture
def host(stack: Stack) -> Iterator[HostProcess]:
    """A host of this test alone on the shared stack, not started."""
    process = HostProcess(stack, settings={"SOURCE_CACHE_SECONDS": "7"}, port=free_port())
    yield process
    process.stop()


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:
        code: int = answer.status
    return code


def test_it_serves_the_application_and_comes_back_after_a_kill(host: HostProcess) -> None:
    host.start()
    assert status_of(f"{host.base_url}/api/openapi.json") == 200
    host.kill()
    assert host.wait_dead(seconds=5) == -signal.SIGKILL
    host.start()
    assert status_of(f"{host.base_url}/api/openapi.json") == 200


def test_its_settings_are_kept_from_others_and_over_those_of_the_stack(host: HostProcess, stack: Stack) -> None:
    host.start()
    file = stack.state / f"local.settings-{host.port}.json"
    values = json.loads(file.read_text())["Values"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert values["SOURCE_CACHE_SECONDS"] == "7"
    assert values["LOCAL_HOST_FUNCTION_KEY"] == host.key
    assert values["PUBLIC_BASE_URL"] == host.base_url
    assert values["POSTGRES_DSN"] == stack.settings["POSTGRES_DSN"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_variable_of_one_start_is_gone_at_the_next(host: HostProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_DSN", "dbname=the_users_own")
    host.start(env={"FAILPOINTS": "store.done=kill"})
    first = environment(host)
    host.restart()
    second = environment(host)
    assert first["FAILPOINTS"] == "store.done=kill"
    assert "FAILPOINTS" not in second
    assert second["POSTGRES_DSN"] == host.settings["POSTGRES_DSN"]


def environment(host: HostProcess) -> dict[str, str]:
    variables = Path(f"/proc/{host.pid}/environ").read_text(encoding="utf-8")
    return dict(entry.split("=", 1) for entry in variables.split("\0") if entry)
