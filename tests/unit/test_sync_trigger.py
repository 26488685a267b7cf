"""The trigger of the change feed: what comes out of it is tried again for ever by the platform."""

import logging
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from functions.sync_interactions import sync_interactions
from shared import services
from shared.errors import Contended, HubError, Misconfigured, Transient

BATCH = func.DocumentList([func.Document.from_dict({"id": "1", "content": "secret"})])


@dataclass(frozen=True)
class Failing:
    """A sync that fails."""

    error: Exception

    async def apply_changes(self, documents: list[dict[str, Any]]) -> None:
        raise self.error


async def run(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Run the function over a sync that fails."""
    monkeypatch.setattr(services, "current", lambda: SimpleNamespace(sync=Failing(error)))
    await sync_interactions._function.get_user_function()(BATCH)


@pytest.mark.parametrize("error", [Transient("away"), Contended("raced"), Misconfigured("a setting is missing")])
async def test_what_time_or_an_operator_cures_is_tried_again(monkeypatch: pytest.MonkeyPatch, error: HubError) -> None:
    with pytest.raises(type(error)):
        await run(monkeypatch, error)


async def test_a_fault_of_the_code_is_left_to_the_pull_reader_and_said_without_content(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await run(monkeypatch, KeyError("secret"))
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        "sync_interactions.left documents=1 why=KeyError",
    )
