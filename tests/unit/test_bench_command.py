import json

import pytest

from bench import imports
from bench.__main__ import main
from bench.figures import Figure, Result
from bench.machine import Machine, this_machine
from bench.table import describe, table
from bench.webhook_load import mail
from local.trouble import Trouble
from shared.ingestion.json_body import read_json
from shared.models.webhooks import EmailIn

RESULT = Result(
    figure=Figure("import_vs_azure_functions", 1.65432, 1.8, "at most"),
    columns=("", "ms"),
    rows=(("import function_app", "250"), ("a bare interpreter", "12")),
    notes=("Noted.",),
    measured={"import_function_app_ms": 250.0},
)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark that takes no time."""
    monkeypatch.setattr(imports, "measure", lambda: RESULT)


@pytest.mark.usefixtures("measured")
def test_json_is_one_object_and_all_of_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"import_vs_azure_functions": 1.6543, "import_function_app_ms": 250.0}
    assert "import function_app" in told.err


@pytest.mark.usefixtures("measured")
def test_without_json_the_table_and_the_machine_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import"]) == 0
    told = capsys.readouterr().out
    assert str(this_machine()) in told
    assert "import_vs_azure_functions = 1.654 (goal at most 1.8: reached)" in told


def test_an_unknown_benchmark_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["imports"])
    assert ended.value.code == 2
    assert "'imports'; there are: ingest, import" in capsys.readouterr().err


def test_a_benchmark_that_can_not_run_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> Result:
        raise Trouble("no Node here", do="Install it.")

    monkeypatch.setattr(imports, "measure", fails)
    assert main(["import", "--json"]) == 1
    told = capsys.readouterr()
    assert "error: no Node here\n       Install it." in told.err
    assert told.out == ""


def test_a_table_puts_names_left_and_numbers_right() -> None:
    assert table(("", "ms"), RESULT.rows).splitlines() == [
        "                      ms",
        "-------------------  ---",
        "import function_app  250",
        "a bare interpreter    12",
    ]


def test_a_description_names_the_machine_and_carries_the_notes() -> None:
    told = describe("import", RESULT, Machine(2, "Some CPU", 7.6, "3.11.7"))
    assert "  2 cores, Some CPU, 8 GiB memory, Python 3.11.7\n  Noted.\n" in told


def test_this_machine_has_cores_and_memory() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert machine.cpu


def test_the_mails_of_the_load_are_valid_of_one_size_and_never_equal() -> None:
    first, second = mail(3000), mail(3000)
    assert len(first) == len(second) == 3000
    assert read_json(first, EmailIn)[1] != read_json(second, EmailIn)[1]
