import json
import re

import pytest
from pydantic import ValidationError

from local.queue_docs import PAGE, PUBLIC, renewed, schema
from shared.models.external import MAX_EXTERNAL_BYTES, ExternalMessage
from shared.models.work import AskedMessage

SOURCE = "6f2d7a52-7f10-4c55-9c1c-0d9f1a3f5b11"


def test_the_page_shows_the_schemas_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page) == page
    assert re.findall(r"<!-- schema: ([a-z-]+) -->", page) == list(PUBLIC)


def test_a_page_that_is_behind_the_code_is_told() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page.replace('"title": "ExternalMessage"', '"title": "Old"')) == page


def test_the_schema_shows_both_of_our_formats() -> None:
    message = schema("external-messages")["properties"]["message"]  # type: ignore[index] # a JSON object
    shown = message["anyOf"]
    assert [each.get("properties", {}).keys() >= {"messageId"} for each in shown[:2]] == [True, True]


@pytest.mark.parametrize("queue", list(PUBLIC))
def test_a_sender_never_has_to_say_how_often_it_was_put_off(queue: str) -> None:
    assert "attempt" not in schema(queue).get("required", [])  # type: ignore[operator] # a JSON list


def test_a_newer_version_is_refused_and_a_newer_field_is_not() -> None:
    sent = {"source": SOURCE, "id": "1", "blob": "x", "priority": "high"}
    assert ExternalMessage.model_validate_json(json.dumps(sent)).version == 1
    with pytest.raises(ValidationError):
        ExternalMessage.model_validate_json(json.dumps(sent | {"version": 2}))


def test_an_id_alone_asks_for_an_analysis() -> None:
    asked = AskedMessage.model_validate_json(json.dumps({"version": 1, "project_id": SOURCE, "message_id": SOURCE}))
    assert asked.interaction_id is None


def test_the_largest_message_fits_a_queue_message_in_base64() -> None:
    assert ExternalMessage.max_bytes >= MAX_EXTERNAL_BYTES
    assert -(-ExternalMessage.max_bytes // 3) * 4 <= 64 * 1024
