import sys
import textwrap
from pathlib import Path

import pytest

from local.host.configuration import HostJson, HostOptions, load_options
from local.host.host import Host

APP = """
import azure.functions as func
app = func.FunctionApp()
@app.route(route="things", methods=["GET"])
async def things(req: func.HttpRequest) -> str: ...
@app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
async def tick(timer: func.TimerRequest) -> None: ...
@app.queue_trigger(arg_name="msg", queue_name="work", connection="Storage")
async def work(msg: func.QueueMessage) -> None: ...
"""


@pytest.mark.parametrize(("only_http", "listeners"), [(False, 2), (True, 0)])
async def test_only_http_leaves_queues_and_timers_alone_but_checks_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, only_http: bool, listeners: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "function_app", None)  # so that it is put back to absent
    monkeypatch.setenv("Storage", "UseDevelopmentStorage=true")
    (tmp_path / "function_app.py").write_text(textwrap.dedent(APP))
    host = Host(tmp_path, HostJson(version="2.0"), HostOptions(only_http=only_http))
    assert len(host._listeners) == listeners
    assert [function.name for function in host.functions] == ["things", "tick", "work"]


def test_only_http_is_asked_for_by_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_options().only_http
    monkeypatch.setenv("LOCAL_HOST_ONLY_HTTP", "1")
    assert load_options().only_http
