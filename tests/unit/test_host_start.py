import json
import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.host.configuration import HostJson, HostOptions, apply_settings, load_host_json, load_settings
from local.host.host import Host, describe
from shared.errors import Misconfigured

CHECKOUT = Path(__file__).parents[2]
HEAD = """
import functools
import azure.functions as func
app = func.FunctionApp()
"""
Start = Callable[..., Host]


@pytest.fixture
async def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Makes a host of the given function_app.py; the process's path, folder and modules are put back after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "function_app", None)  # so that it is put back to absent
    monkeypatch.setenv("Storage", "UseDevelopmentStorage=true")

    def make(source: str, **options: Any) -> Host:
        (tmp_path / "function_app.py").write_text(textwrap.dedent(source))
        return Host(tmp_path, HostJson(version="2.0"), HostOptions(**options))

    return make


def refusal(start: Start, source: str) -> str:
    with pytest.raises(Misconfigured) as refused:
        start(HEAD + textwrap.dedent(source))
    text = str(refused.value)
    assert "\n" not in text
    return text


def test_an_app_without_faults_is_listed_in_the_order_of_registration(start: Start) -> None:
    host = start(
        HEAD
        + textwrap.dedent("""
        later = func.Blueprint()
        @app.route(route="v1/things/{id:guid}", methods=["GET"])
        async def things(req: func.HttpRequest) -> str: ...
        @later.timer_trigger(arg_name="timer", schedule="0 * * * * *")
        async def tick(timer: func.TimerRequest) -> None: ...
        @later.queue_trigger(arg_name="msg", queue_name="work", connection="Storage")
        async def work(msg: func.QueueMessage) -> None: ...
        app.register_functions(later)
        """)
    )
    assert [describe(function) for function in host.functions] == [
        "things: httpTrigger GET v1/things/{id:guid}",
        "tick: timerTrigger 0 * * * * *",
        "work: queueTrigger work",
    ]


def test_an_import_error_names_the_line_of_the_app_that_caused_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "own_part.py").write_text("x = 1\nimport nothing_of_this_name\n")
    text = refusal(start, "import own_part")
    assert "nothing_of_this_name" in text
    assert f"{tmp_path / 'own_part.py'}:2" in text


def test_a_syntax_error_names_its_line(start: Start, tmp_path: Path) -> None:
    text = refusal(start, "def broken(:\n")
    assert text.startswith("function_app.py can't be imported: SyntaxError")
    assert f"{tmp_path / 'function_app.py'}:" in text


def test_a_missing_function_app_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"function_app\.py is missing"):
        Host(tmp_path, HostJson(version="2.0"), HostOptions())


def test_two_functions_of_one_name_are_refused_whatever_their_case(start: Start) -> None:
    text = refusal(
        start,
        """
        @app.route(route="a")
        async def twice(req: func.HttpRequest) -> str: ...
        @app.function_name("Twice")
        @app.route(route="b")
        async def other(req: func.HttpRequest) -> str: ...
        """,
    )
    assert "twice is used more than once" in text


async def test_only_http_leaves_the_other_triggers_alone(start: Start) -> None:
    host = start(
        HEAD
        + textwrap.dedent("""
        ran = []
        @app.timer_trigger(arg_name="timer", schedule="* * * * * *", run_on_startup=True)
        def tick(timer: func.TimerRequest) -> None:
            ran.append(timer)
        """),
        only_http=True,
    )
    await host.start("127.0.0.1", 0)
    await host.stop()
    assert sys.modules["function_app"].ran == []


@pytest.mark.parametrize(("line", "count"), [("del app", "no"), ("second = func.FunctionApp()", "2")])
def test_exactly_one_app_is_wanted(start: Start, line: str, count: str) -> None:
    assert f"holds {count} FunctionApp objects" in refusal(start, line)


def test_a_second_name_for_the_one_app_is_no_second_app(start: Start) -> None:
    assert start(HEAD + "alias = app").functions == []


def test_a_sync_wrapper_round_an_async_handler_is_refused(start: Start) -> None:
    text = refusal(
        start,
        """
        def logged(handler):
            @functools.wraps(handler)
            def wrapper(*args, **kwargs):
                return handler(*args, **kwargs)
            return wrapper
        @app.route(route="a")
        @logged
        async def hidden(req: func.HttpRequest) -> str: ...
        """,
    )
    assert text == "function hidden: a sync wrapper hides an async handler; make the decorator's wrapper async too"


def test_an_async_wrapper_is_taken(start: Start) -> None:
    host = start(
        HEAD
        + textwrap.dedent("""
        def logged(handler):
            @functools.wraps(handler)
            async def wrapper(*args, **kwargs):
                return await handler(*args, **kwargs)
            return wrapper
        @app.route(route="a")
        @logged
        async def seen(req: func.HttpRequest) -> str: ...
        """)
    )
    assert host.functions[0].is_async


BAD_FUNCTIONS = {
    "an unknown trigger": (
        '@app.blob_trigger(arg_name="x", path="p", connection="Storage")\nasync def f(x): ...',
        "trigger type blobTrigger is not known",
    ),
    "an unknown binding": (
        '@app.route(route="a")\n@app.blob_output(arg_name="x", path="p", connection="S")\nasync def f(req, x): ...',
        "binding type blob (x) is not known",
    ),
    "no trigger": ('@app.function_name("f")\nasync def f(): ...', "does not have a trigger"),
    "a missing connection": (
        '@app.queue_trigger(arg_name="m", queue_name="q", connection="Nowhere")\nasync def f(m): ...',
        "function f: connection setting Nowhere is missing",
    ),
    "a missing connection of an output": (
        (
            '@app.route(route="a")\n@app.queue_output(arg_name="o", queue_name="q", connection="Nowhere")\n'
            "async def f(req, o): ..."
        ),
        "connection setting Nowhere is missing",
    ),
    "a missing lease connection": (
        (
            '@app.cosmos_db_trigger(arg_name="d", connection="Storage", lease_connection="Nowhere", database_name="x", '
            'container_name="y")\nasync def f(d): ...'
        ),
        "connection setting Nowhere is missing",
    ),
    "a connection that is no connection string": (
        '@app.queue_trigger(arg_name="m", queue_name="q", connection="PATH")\nasync def f(m): ...',
        "connection setting PATH: ",
    ),
    "a missing app setting": (
        '@app.queue_trigger(arg_name="m", queue_name="%NO_QUEUE%", connection="Storage")\nasync def f(m): ...',
        "function f: app setting NO_QUEUE is missing",
    ),
    "a missing schedule setting": (
        '@app.timer_trigger(arg_name="t", schedule="%NO_SCHEDULE%")\nasync def f(t): ...',
        "app setting NO_SCHEDULE is missing",
    ),
    "a schedule that is none": (
        '@app.timer_trigger(arg_name="t", schedule="61 * * * * *")\nasync def f(t): ...',
        "function f: '61' is not between 0 and 59 (seconds)",
    ),
    "an undeclared parameter": (
        '@app.route(route="a")\nasync def f(req, extra=None): ...',
        "function f: parameter extra is not declared by any decorator",
    ),
    "a binding without parameter": ('@app.route(route="a")\nasync def f(): ...', "binding req has no parameter"),
    "a context of another type": (
        '@app.route(route="a")\nasync def f(req, context: str): ...',
        "parameter context must be",
    ),
    "a trigger of another type": (
        '@app.route(route="a")\nasync def f(req: func.QueueMessage): ...',
        "parameter req: type QueueMessage does not fit httpTrigger",
    ),
    "an output that is no Out": (
        (
            '@app.route(route="a")\n@app.queue_output(arg_name="o", queue_name="q", connection="Storage")\n'
            "async def f(req, o: str): ..."
        ),
        "output o must be annotated azure.functions.Out",
    ),
    "hints that can't be evaluated": (
        '@app.route(route="a")\nasync def f(req: "Nothing"): ...',
        "its type hints can't be evaluated",
    ),
    "a route constraint of another world": (
        '@app.route(route="a/{id:float(3)}")\nasync def f(req): ...',
        "constraint float(3) is not one of",
    ),
    "a mixed route segment": ('@app.route(route="a/x{id}")\nasync def f(req): ...', "segment x{id} is not supported"),
    "a route of two functions": (
        '@app.route(route="a")\nasync def f(req): ...\n@app.route(route="A", methods=["GET"])\nasync def g(req): ...',
        "route GET /a belongs to more than one function",
    ),
    "a retry strategy of no name": (
        (
            '@app.timer_trigger(arg_name="t", schedule="* * * * * *")\n'
            '@app.retry(strategy="always", max_retry_count="1")\nasync def f(t): ...'
        ),
        "retry policy: strategy 'always'",
    ),
}


@pytest.mark.parametrize("fault", BAD_FUNCTIONS)
def test_a_fault_of_one_function_is_refused_with_its_name(start: Start, fault: str) -> None:
    source, message = BAD_FUNCTIONS[fault]
    assert message in refusal(start, source)


def test_settings_reach_the_environment_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_SET", "mine")
    monkeypatch.setenv("TOY_NEW", "")
    monkeypatch.delenv("TOY_NEW")
    apply_settings({"TOY_SET": "theirs", "TOY_NEW": "new"})
    assert (os.environ["TOY_SET"], os.environ["TOY_NEW"]) == ("mine", "new")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", 'needs "Values"'),
        ('{"Values": {"A": 1}}', 'needs "Values"'),
        ('{"IsEncrypted": true, "Values": {}}', "is encrypted"),
    ],
)
def test_a_settings_file_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(text)
    with pytest.raises(Misconfigured, match=message):
        load_settings(file)


def test_the_host_json_of_this_project_is_understood() -> None:
    host_json = load_host_json(CHECKOUT)
    assert host_json.extensions.http.route_prefix == "api"
    assert host_json.extensions.queues.threshold == 8


def test_a_wrong_value_in_host_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}')
    with pytest.raises(Misconfigured, match=r"extensions\.queues\.batchSize"):
        load_host_json(tmp_path)


def run_host(root: Path, *, port: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "local.host", "--port", str(port), "--root", str(root)],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_process_ends_with_1_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    (tmp_path / "function_app.py").write_text("raise RuntimeError('no luck')\n")
    ended = run_host(tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.strip() == (
        "the host can't start: function_app.py can't be imported: "
        f"RuntimeError: no luck ({tmp_path / 'function_app.py'}:1)"
    )


def test_an_option_that_is_wrong_is_named(tmp_path: Path) -> None:
    ended = run_host(tmp_path, LOCAL_HOST_DRAIN_SECONDS="soon")
    assert ended.returncode == 1
    assert "LOCAL_HOST_ setting drain_seconds" in ended.stderr


def stopped(root: Path, source: str, *, after: str = "") -> int:
    """Start the app of `source` in a process, stop it when it has said `after`, and return its exit code."""
    (root / "host.json").write_text(json.dumps({"version": "2.0"}))
    (root / "function_app.py").write_text(HEAD + textwrap.dedent(source))
    (root / "settings.json").write_text('{"Values": {}}')
    arguments = ["--port", "0", "--root", str(root), "--settings", str(root / "settings.json")]
    command = [sys.executable, "-m", "local.host", *arguments]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert re.fullmatch(r"ready http://127\.0\.0\.1:[1-9]\d*\n", process.stdout.readline())
            assert process.stdout.read(len(after)) == after
            process.terminate()
            return process.wait(timeout=30)
        finally:
            process.kill()


def test_the_process_says_when_it_is_ready_and_ends_with_0_on_sigterm(tmp_path: Path) -> None:
    assert stopped(tmp_path, "") == 0


def test_what_the_app_left_running_does_not_keep_the_process_from_its_end(tmp_path: Path) -> None:
    assert (
        stopped(
            tmp_path,
            """
            import asyncio
            async def worker():
                print("at work", flush=True)
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    pass  # as psycopg's pool does while it is at work
                await asyncio.sleep(3600)
            @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
            async def leaves(timer: func.TimerRequest) -> None:
                app.left = asyncio.create_task(worker())
            """,
            after="at work",
        )
        == 0
    )


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    (tmp_path / "function_app.py").write_text(HEAD)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_host(tmp_path, port=port)
    assert ended.returncode == 1
    assert f"the host can't listen on port {port}" in ended.stderr
