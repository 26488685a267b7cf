import argparse
from pathlib import Path

import pytest

from local.model.choice import add_model_option, model_for
from local.stack.stack import Stack
from local.terminal import quiet
from local.trouble import Trouble


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack that is not started, and an environment without a way to a model."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "MODEL_MESSAGE"):
        monkeypatch.delenv(name, raising=False)
    stack = Stack(tmp_path)
    stack.logs.mkdir()
    return stack


def test_the_model_is_chosen_by_what_can_be_reached_unless_told_otherwise() -> None:
    parser = argparse.ArgumentParser()
    add_model_option(parser)
    assert parser.parse_args([]).model == "auto"
    with pytest.raises(SystemExit):
        parser.parse_args(["--model", "oracle"])


@pytest.mark.parametrize("name", ["auto", "offline"])
def test_without_a_way_to_a_model_rules_answer_and_it_is_said(stack: Stack, name: str) -> None:
    with model_for(name, stack, quiet) as model:
        assert (dict(model.settings), model.says) == (
            {"AI_PROVIDER": "offline"},
            "rules and lexicons, no model (offline)",
        )


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("OPENAI_API_KEY", "key", "gpt-9 at api.openai.com (openai)"),
        ("AZURE_OPENAI_ENDPOINT", "https://us.openai.azure.com/", "gpt-9 at us.openai.azure.com (openai)"),
    ],
)
def test_with_a_way_to_a_model_it_is_used_and_named(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("MODEL_MESSAGE", "gpt-9")
    with model_for("auto", stack, quiet) as model:
        assert (dict(model.settings), model.says) == ({"AI_PROVIDER": "openai"}, says)
    with model_for("offline", stack, quiet) as model:
        assert model.settings["AI_PROVIDER"] == "offline"


def test_a_model_that_was_asked_for_but_can_not_be_reached_is_told_with_what_to_set(stack: Stack) -> None:
    with pytest.raises(Trouble, match="no way to a model") as trouble, model_for("openai", stack, quiet):
        pass
    assert "OPENAI_API_KEY" in trouble.value.do


def test_the_scripted_model_runs_as_long_as_it_is_used_and_hides_the_real_one(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://us.openai.azure.com/")
    monkeypatch.setattr(Stack, "inherited", ())
    with model_for("scripted", stack, quiet) as model:
        assert model.service
        assert model.service.alive()
        assert model.settings["OPENAI_BASE_URL"].startswith("http://127.0.0.1:")
        assert model.settings["AZURE_OPENAI_ENDPOINT"] == ""
    assert not model.service.alive()
