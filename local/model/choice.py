import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from local.model.scripted import ScriptedModel
from local.stack.stack import Stack
from local.terminal import Step
from local.trouble import Trouble
from shared.settings import Settings

ModelName = Literal["auto", "offline", "openai", "scripted"]


@dataclass(frozen=True, slots=True)
class Model:
    """What the host is to ask: app settings, the program behind them if it is ours, and its name for the user."""

    says: str
    settings: Mapping[str, str] = field(repr=False)
    service: ScriptedModel | None = None


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Give a command the option `--model`."""
    parser.add_argument(
        "--model",
        choices=get_args(ModelName),
        default="auto",
        help="who understands the messages: `openai` by OPENAI_API_KEY (and OPENAI_BASE_URL) or AZURE_OPENAI_ENDPOINT, "
        "`offline` rules, a `scripted` model server without a model, or `auto`: openai where it can be reached",
    )


@contextmanager
def model_for(name: str, stack: Stack, on_step: Step) -> Iterator[Model]:
    """The model called `name`, running as long as the block does. Raises Trouble when there is no way to it."""
    model = _chosen(cast("ModelName", name), stack, os.environ)
    if model.service is None:
        yield model
        return
    try:
        with on_step(model.service.name):
            model.service.start()
        yield Model(model.says, {**model.settings, **_scripted(model.service)}, model.service)
    finally:
        model.service.stop()


def _chosen(name: ModelName, stack: Stack, environment: Mapping[str, str]) -> Model:
    if name == "scripted":
        return Model("a scripted server that answers by rules (openai)", {}, ScriptedModel(stack))
    reachable = bool(environment.get("OPENAI_API_KEY") or environment.get("AZURE_OPENAI_ENDPOINT"))
    if name == "openai" and not reachable:
        raise Trouble("no way to a model", do="Set OPENAI_API_KEY (with OPENAI_BASE_URL) or AZURE_OPENAI_ENDPOINT.")
    if name == "offline" or not reachable:
        return Model("rules and lexicons, no model (offline)", {"AI_PROVIDER": "offline"})
    return Model(_described(environment), {"AI_PROVIDER": "openai"})


def _described(environment: Mapping[str, str]) -> str:
    default: str = Settings.model_fields["model_message"].default
    address = environment.get("AZURE_OPENAI_ENDPOINT") or environment.get("OPENAI_BASE_URL") or "https://api.openai.com"
    return f"{environment.get('MODEL_MESSAGE') or default} at {urlsplit(address).hostname} (openai)"


def _scripted(service: ScriptedModel) -> Mapping[str, str]:
    """Everything that leads to the scripted server, and nowhere else whatever the environment says."""
    names = ("MODEL_MESSAGE", "MODEL_IMAGE", "MODEL_EMBEDDING")
    return {
        "AI_PROVIDER": "openai",
        "OPENAI_API_KEY": service.key,
        "OPENAI_BASE_URL": service.base_url,
        "AZURE_OPENAI_ENDPOINT": "",
        **dict.fromkeys(names, "scripted"),
    }
