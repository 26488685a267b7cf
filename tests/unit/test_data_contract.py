"""The data contract's page against the model, the Cosmos DB schema and what the code writes."""

import json
from typing import Any

from pydantic.alias_generators import to_snake

from local.checkout import CHECKOUT
from shared.models.corrections import Correction
from shared.models.document_versions import CURRENT
from shared.models.documents import InteractionDocument, new_document
from shared.models.text import MAX_CONTENT_BYTES, MAX_METADATA_BYTES
from shared.models.views import InteractionView
from shared.sync.changes import Change, read_change
from tests.data_contract import COSMOS_DB, PAGE, SHARED, Kind, table
from tests.unit.committed import ROW

# Copied by hand from the contract: the name, and whether both stores have it.
CONTRACT = {
    "id": True, "agentId": True, "contactId": True, "organizationId": True, "type": True, "content": True,
    "timestamp": True, "metadata": True, "embedding": False, "embeddingModel": False, "embeddingDate": False,
    "tags": False,
}  # fmt: skip
TYPES = {
    ("string", "uuid"): "uuid",
    ("string", "date-time"): "time",
    ("string", None): "text",
    ("integer", None): "integer",
    ("boolean", None): "boolean",
    ("object", None): "object",
    ("array", "string"): "texts",
    ("array", "number"): "numbers",
}
DOCUMENT_SCHEMA = json.loads((CHECKOUT / "schema" / "cosmos" / "interactions.json").read_text())["documentSchema"]


def kinds(schema: dict[str, Any]) -> dict[str, Kind]:
    """What a JSON Schema says of each property."""
    return {name: _kind(name, said, schema.get("required", [])) for name, said in schema["properties"].items()}


def _kind(name: str, said: dict[str, Any], required: list[str]) -> Kind:
    choices = said.get("anyOf") or [said]
    types = {
        each for choice in choices for each in ([choice["type"]] if isinstance(choice["type"], str) else choice["type"])
    }
    (type_,) = types - {"null"}
    detail = choices[0].get("format") or choices[0].get("items", {}).get("type")
    return Kind(TYPES[type_, detail], required=name in required, null="null" in types)


def test_every_field_of_the_contract_is_on_the_page_on_its_side() -> None:
    assert CONTRACT.items() <= ({row.name: True for row in SHARED} | {row.name: False for row in COSMOS_DB}).items()


def test_the_page_and_the_schema_of_cosmos_db_say_the_same_of_every_field() -> None:
    assert {row.name: row.document for row in SHARED + COSMOS_DB} == kinds(DOCUMENT_SCHEMA)


def test_the_page_and_the_model_say_the_same_of_every_shared_field() -> None:
    model = kinds(InteractionDocument.model_json_schema(by_alias=True))
    assert {row.name: row.document for row in SHARED} == model


def test_what_the_hub_writes_are_the_fields_of_the_page() -> None:
    made_by_cosmos_db, of_tombstones = {"_ts", "_etag"}, {"ttl"}
    names = {row.name for row in SHARED + COSMOS_DB} - made_by_cosmos_db - of_tombstones
    assert new_document(ROW, version=7).keys() == names


def test_what_sync_writes_are_the_columns_of_the_page() -> None:
    read = read_change(new_document(ROW, version=7) | {"_ts": 1, "_etag": "e"})
    assert isinstance(read, Change)
    written = {"deleted_at" if name == "deleted" else name for name in read.row} | {"project_id"}
    assert written == {row.column[0] for row in SHARED}


def test_what_the_page_calls_corrected_is_what_a_correction_takes() -> None:
    corrected = {row.name: row.document for row in SHARED if row.says("Corrected")}
    taken = kinds(Correction.model_json_schema(by_alias=True))
    assert {name: (kind.type, kind.null) for name, kind in corrected.items()} == {
        name: (kind.type, kind.null) for name, kind in taken.items()
    }


def test_what_can_be_corrected_is_shown() -> None:
    shown = InteractionView.model_json_schema(by_alias=True, mode="serialization")["properties"]
    assert {row.name for row in SHARED if row.says("Corrected")} <= shown.keys()


def test_every_field_is_described_once() -> None:
    for heading in ("Shared fields", "Only in Cosmos DB", "Only in Postgres"):
        rows = table(heading)
        assert len({row.name for row in rows}) == len(rows)
        assert all(all(row.cells.values()) for row in rows)


def test_the_current_schema_version_is_the_last_that_the_page_tells_of() -> None:
    versions = [int(row.name) for row in table("Schema versions")]
    assert versions == list(range(1, CURRENT + 1))
    assert DOCUMENT_SCHEMA["title"].endswith(f" {CURRENT}")


def test_the_schema_tells_the_limits_of_the_code() -> None:
    properties, model = (
        DOCUMENT_SCHEMA["properties"],
        InteractionDocument.model_json_schema(by_alias=True)["properties"],
    )
    assert str(MAX_CONTENT_BYTES) in properties["content"]["$comment"]
    assert str(MAX_METADATA_BYTES) in properties["metadata"]["$comment"]
    for name in ("type", "content"):
        assert properties[name]["maxLength"] == model[name]["maxLength"]


def test_shared_columns_are_the_fields_in_snake_case_but_for_what_orders_them() -> None:
    ordering = {"deleted", "version", "_ts", "_etag"}
    assert all(row.column[0] == to_snake(row.name) for row in SHARED if row.name not in ordering)


def test_the_model_and_the_schema_point_at_the_page() -> None:
    page = str(PAGE.relative_to(CHECKOUT))
    assert page in (InteractionDocument.__doc__ or "")
    assert page in DOCUMENT_SCHEMA["$comment"]
