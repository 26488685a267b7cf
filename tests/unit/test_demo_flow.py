import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from local.demo import flow, main
from local.demo.place import Place
from local.demo.reading import Contact, Context, Fact, Interaction, Page
from local.demo.stores import Places, Tally
from local.trouble import Trouble

CONTEXT = Context(
    contact=Contact(id="k1", display_name="Ada", identities=[]),
    interactions=Page[Interaction](items=[]),
    facts=Page[Fact](items=[]),
)
SAME, OTHER = frozenset({"1"}), frozenset({"2"})


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Replaces the stack; holds True once it was stopped."""
    ends: list[bool] = []

    @contextmanager
    def running(_state: Path, _console: Console, _model: str) -> Iterator[Place]:
        try:
            yield Place("http://127.0.0.1:1", "key", {}, Places("", "", "", "", ""))
        finally:
            ends.append(True)

    monkeypatch.setattr(flow, "running", running)
    return ends


def _comes_to(monkeypatch: pytest.MonkeyPatch, ending: flow.Outcome | BaseException) -> None:
    def send_and_look(_place: Place, _console: Console) -> flow.Outcome:
        if isinstance(ending, BaseException):
            raise ending
        return ending

    monkeypatch.setattr(flow, "_send_and_look", send_and_look)


def _outcome(*, agree: bool) -> flow.Outcome:
    return flow.Outcome(CONTEXT, [Tally("interactions", 1, postgres=SAME, cosmos=SAME if agree else OTHER)], [0.4, 0.6])


def test_a_run_whose_stores_agree_ends_well(
    monkeypatch: pytest.MonkeyPatch, stopped: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    _comes_to(monkeypatch, _outcome(agree=True))

    assert main([]) == 0
    assert "From webhook to context: p50 0.50 s, max 0.60 s" in capsys.readouterr().out
    assert stopped


def test_a_run_whose_stores_do_not_agree_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, stopped: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    _comes_to(monkeypatch, _outcome(agree=False))

    assert main([]) == 1
    assert "the stores do not agree" in capsys.readouterr().err
    assert stopped


def test_json_is_all_that_is_printed_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, stopped: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    _comes_to(monkeypatch, _outcome(agree=True))

    assert main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agree"] is True


@pytest.mark.parametrize(("ending", "code"), [(Trouble("no", do="yes"), 1), (KeyboardInterrupt(), 130)])
def test_a_run_that_is_cut_short_stops_its_stack(
    monkeypatch: pytest.MonkeyPatch, stopped: list[bool], ending: BaseException, code: int
) -> None:
    _comes_to(monkeypatch, ending)

    assert main([]) == code
    assert stopped
