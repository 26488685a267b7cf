import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from local.demo.external import expected_delivery, put
from local.demo.samples import Sample
from local.trouble import Trouble
from shared.identifiers import ProjectId, SourceId, delivery_id, sha256_hex

PROJECT, SOURCE = UUID(int=1), UUID(int=2)
NOWHERE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;QueueEndpoint=http://127.0.0.1:1/a;"
    "BlobEndpoint=http://127.0.0.1:1/a"
)


def _sample(**message: object) -> Sample:
    body = {"version": 1, "source": str(SOURCE), "id": "crm-1", "message": message}
    return Sample("a", "queue", datetime(2026, 11, 13, tzinfo=UTC), json.dumps(body).encode(), ())


def test_a_delivery_is_known_by_source_id_and_content_before_the_hub_has_seen_it() -> None:
    key = "crm-1:" + sha256_hex('{"a":"\xfc","b":2}'.encode())

    assert expected_delivery(str(PROJECT), _sample(b=2, a="\xfc")) == str(
        delivery_id(ProjectId(PROJECT), SourceId(SOURCE), key)
    )


def test_the_same_id_with_another_content_is_another_delivery() -> None:
    assert expected_delivery(str(PROJECT), _sample(a=1)) != expected_delivery(str(PROJECT), _sample(a=2))


def test_a_queue_that_does_not_answer_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.exceptions import ServiceRequestError
    from azure.storage.queue import QueueClient

    def send(*_: object, **__: object) -> None:
        raise ServiceRequestError("no connection")

    monkeypatch.setattr(QueueClient, "send_message", send)
    with pytest.raises(Trouble, match="external-messages did not take a: no connection"):
        put(NOWHERE, str(PROJECT), _sample(a=1))
