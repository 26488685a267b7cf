"""What errors look like over HTTP."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from functions.responses import answers, of_provider, of_view, problem
from shared.errors import Misconfigured, Permanent, Rejected, Transient
from shared.ingestion.provider import Answer
from shared.models.views import HealthView, Problem

REQUEST = func.HttpRequest("GET", "http://hub/api/health", body=b"")


def failing(error: Exception) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    @answers
    async def handler(req: func.HttpRequest) -> func.HttpResponse:
        raise error

    return handler


def body_of(response: func.HttpResponse) -> dict[str, Any]:
    assert response.mimetype == "application/problem+json"
    body: dict[str, Any] = json.loads(response.get_body())
    Problem.model_validate(body)
    assert body["status"] == response.status_code
    return body


async def test_a_refusal_is_problem_details_that_name_the_field() -> None:
    errors = [{"field": "to[0]", "detail": "no"}]
    response = await failing(Rejected(422, "to[0]: no", field="to[0]", errors=errors))(REQUEST)
    assert response.status_code == 422
    assert body_of(response) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "to[0]: no",
        "field": "to[0]",
        "errors": errors,
    }


async def test_members_that_say_nothing_are_left_out() -> None:
    assert set(body_of(await failing(Rejected(404, "no"))(REQUEST))) == {"type", "title", "status", "detail"}


@pytest.mark.parametrize(("asked", "told"), [(None, "5"), (timedelta(seconds=42), "42")])
async def test_what_time_may_cure_is_a_503_that_says_when(asked: timedelta | None, told: str) -> None:
    response = await failing(Transient("Postgres: ada@example.com", retry_after=asked))(REQUEST)
    assert (response.status_code, response.headers["Retry-After"]) == (503, told)
    assert "ada" not in body_of(response)["detail"]


@pytest.mark.parametrize(
    "error", [Permanent("ada@example.com"), Misconfigured("POSTGRES_DSN"), ZeroDivisionError("ada@example.com")]
)
async def test_a_fault_of_ours_is_a_500_that_tells_nothing(error: Exception) -> None:
    response = await failing(error)(REQUEST)
    assert response.status_code == 500
    assert str(error) not in json.dumps(body_of(response))


def test_a_provider_hears_exactly_what_its_file_says() -> None:
    response = of_provider(Answer(200, b"<Response/>", "text/xml", {"X-A": "b"}))
    assert (response.status_code, response.get_body(), response.mimetype) == (200, b"<Response/>", "text/xml")
    assert response.headers["X-A"] == "b"


def test_a_view_is_kept_by_no_cache() -> None:
    response = of_view(HealthView(status="ok", checks={}))
    assert response.headers["Cache-Control"] == "no-store"
    assert json.loads(response.get_body()) == {"status": "ok", "checks": {}}


def test_a_problem_carries_its_headers() -> None:
    assert problem(503, "later", headers={"Retry-After": "7"}).headers["Retry-After"] == "7"
