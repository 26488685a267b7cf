"""The data contract against the real database: its columns, who may write them, and documents of every version."""

import json
import uuid
from typing import Any

import pytest

from local.checkout import CHECKOUT
from shared.models import document_versions
from shared.models.documents import iso
from shared.stores.postgres import Row
from tests.data_contract import POSTGRES, SHARED, Kind
from tests.integration.shop import Shop

pytest_plugins = ["tests.integration.shop_fixtures"]

GOLDEN = sorted((CHECKOUT / "tests" / "fixtures" / "documents").glob("*.json"))
APPLIED = [path for path in GOLDEN if "row" in json.loads(path.read_text())]


def columns(shop: Shop) -> list[Row]:
    return shop.rows(
        "SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required,"
        " has_column_privilege('hub_app', attrelid, attnum, 'UPDATE') AS updated"
        " FROM pg_attribute WHERE attrelid = 'public.interactions'::regclass AND attnum > 0 AND NOT attisdropped"
    )


def test_the_page_and_the_database_say_the_same_of_every_column(shop: Shop) -> None:
    said = dict(row.column for row in SHARED + POSTGRES)
    there = {
        row["name"]: Kind(row["type"], required=row["required"], null=not row["required"]) for row in columns(shop)
    }
    assert said == there


def test_the_app_may_update_the_columns_that_the_page_says_and_no_shared_one(shop: Shop) -> None:
    said = {row.name for row in POSTGRES if row.says("Updated")}
    assert {row["name"] for row in columns(shop) if row["updated"]} == said


@pytest.mark.parametrize("path", APPLIED, ids=lambda path: path.stem)
async def test_a_document_of_every_version_arrives(shop: Shop, path: Any) -> None:
    golden = json.loads(path.read_text().replace("70000000-0000-4000-8000-000000000001", str(shop.id)))
    applied = await shop.hub.sync.apply_changes([golden["document"]])
    assert (applied.written, applied.dead) == (1, 0)
    row = shop.interaction(golden["document"]["id"])
    shown = {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in row.items()}
    shown |= {"timestamp": iso(row["timestamp"]), "deleted": row["deleted_at"] is not None}
    assert {name: shown[name] for name in golden["row"]} == golden["row"]


async def test_a_newer_version_waits_as_a_dead_letter_and_arrives_after_the_upgrade(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await shop.write(shop.document())
    await shop.hub.sync.apply_changes([known])
    later = {"content": "from the future", "schemaVersion": document_versions.CURRENT + 1}
    newer = await shop.write(known | later)
    neighbour = await shop.write(shop.document())
    applied = await shop.hub.sync.apply_changes([newer, neighbour])
    assert (applied.written, applied.dead) == (1, 1)
    assert shop.interaction(known["id"])["content"] == "called back"
    (letter,) = shop.dead_letters(known["id"])
    assert letter["reason"].startswith("schemaVersion: newer than ")
    assert (await shop.hub.dead_letters.replay(letter["project_id"], letter["id"])).state == "open"

    with monkeypatch.context() as upgraded:
        upgraded.setattr(document_versions, "CURRENT", newer["schemaVersion"])
        assert (await shop.hub.dead_letters.replay(letter["project_id"], letter["id"])).state == "replayed"
    assert shop.interaction(known["id"])["content"] == "from the future"
    assert shop.interaction(neighbour["id"])["content"] == "called back"
