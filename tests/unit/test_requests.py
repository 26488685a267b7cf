"""What a request must look like before anything is done."""

import azure.functions as func
import pytest

from functions.requests import id_of, idempotency_key, json_of, project_of, uuid_parameter
from shared.errors import Rejected

JSON = {"content-type": "application/json; charset=utf-8"}


def request(body: bytes = b"{}", **parts: dict[str, str]) -> func.HttpRequest:
    return func.HttpRequest("POST", "http://hub/api/v1/contacts", body=body, **parts)


def refused(status: int, field: str) -> pytest.RaisesExc[Rejected]:
    return pytest.RaisesExc(Rejected, check=lambda error: (error.status, error.field) == (status, field))


def test_a_json_body_is_read_up_to_its_limit() -> None:
    assert json_of(request(b"{}", headers=JSON), max_bytes=2) == b"{}"
    with refused(413, "body"):
        json_of(request(b"{ }", headers=JSON), max_bytes=2)


@pytest.mark.parametrize("claimed", ["", "text/plain", "application/jsonp"])
def test_what_does_not_claim_to_be_json_is_refused(claimed: str) -> None:
    with refused(415, "content-type"):
        json_of(request(headers={"content-type": claimed}), max_bytes=10)


@pytest.mark.parametrize("key", ["", "ä", "a\nb", "k" * 256])
def test_an_idempotency_key_is_short_ascii(key: str) -> None:
    assert idempotency_key(request(headers={})) is None
    assert idempotency_key(request(headers={"idempotency-key": "k" * 255})) == "k" * 255
    with refused(400, "Idempotency-Key"):
        idempotency_key(request(headers={"idempotency-key": key}))


@pytest.mark.parametrize("headers", [{}, {"x-project-id": ""}, {"x-project-id": "demo"}])
def test_a_read_names_its_project(headers: dict[str, str]) -> None:
    with refused(400, "X-Project-Id"):
        project_of(request(headers=headers))


def test_what_is_no_id_is_not_found_and_what_is_no_parameter_is_refused() -> None:
    with refused(404, "id"):
        id_of(request(route_params={"id": "7"}))
    with refused(400, "source"):
        uuid_parameter(request(params={"source": "7"}), "source")
    assert uuid_parameter(request(params={}), "source") is None
