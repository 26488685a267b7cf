"""Documents of every schema version there was, and of one that is not known yet."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.checkout import CHECKOUT
from shared.errors import Permanent
from shared.inbox.dead_letters import DeadLetter
from shared.models.document_versions import CURRENT, STEPS, current_form
from shared.sync.changes import Change, read_change
from tests.data_contract import COSMOS_DB, SHARED

GOLDEN = sorted((CHECKOUT / "tests" / "fixtures" / "documents").glob("*.json"))
KNOWN = {row.name for row in SHARED + COSMOS_DB} | {"_rid", "_self", "_attachments"}


def loaded(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def version(path: Path) -> int:
    return int(path.name.removeprefix("v").partition("-")[0])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_document_of_a_known_version_becomes_a_row_and_one_of_a_newer_a_dead_letter(path: Path) -> None:
    golden = loaded(path)
    read = read_change(golden["document"])
    if version(path) > CURRENT:
        assert isinstance(read, DeadLetter)
        assert read.reason == golden["letter"]
    else:
        assert isinstance(read, Change)
        assert {name: read.row[name] for name in golden["row"]} == golden["row"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_document_is_of_the_version_its_name_says(path: Path) -> None:
    document = loaded(path)["document"]
    assert (document.get("schemaVersion") or 1) == version(path)
    assert version(path) > CURRENT or document.keys() <= KNOWN


def test_there_is_a_golden_document_of_every_version_and_of_the_one_to_come() -> None:
    assert {version(path) for path in GOLDEN} == set(range(1, CURRENT + 2))


def test_from_every_older_version_a_step_leads_on() -> None:
    assert list(STEPS) == list(range(1, CURRENT))


@pytest.mark.parametrize("path", [path for path in GOLDEN if version(path) <= CURRENT], ids=lambda path: path.stem)
def test_reading_changes_nothing_in_what_is_read_and_is_done_after_once(path: Path) -> None:
    document = loaded(path)["document"]
    before = copy.deepcopy(document)
    current = current_form(document)
    assert document == before
    assert current["schemaVersion"] == CURRENT
    assert current_form(current) is current
    assert current.keys() >= document.keys()


@pytest.mark.parametrize("wrong", [0, -1, "2", "", True, 1.5, [], {}, float("nan")])
def test_a_version_that_is_no_number_from_one_is_a_dead_letter_that_names_it(wrong: object) -> None:
    read = read_change(loaded(GOLDEN[0])["document"] | {"schemaVersion": wrong})
    assert isinstance(read, DeadLetter)
    assert read.reason.startswith("schemaVersion: ")


@given(st.integers(min_value=CURRENT + 1))
def test_every_newer_version_waits(newer: int) -> None:
    with pytest.raises(Permanent, match="upgrade the hub, then replay"):
        current_form({"schemaVersion": newer})
