"""HTML of mails: made safe when they are stored, shown so that nothing in it runs or is fetched."""

from typing import Any
from uuid import UUID

import azure.functions as func
import pytest

from functions.message_html import get_interaction_html
from shared import services
from shared.identifiers import InteractionId
from shared.ingestion.email.html_depth import MAX_DEPTH
from shared.ingestion.provider import WebhookRequest
from shared.models.work import DeliveryWork, QueueName
from tests.integration.tenant import Tenant, mail, signed

pytest_plugins = ["tests.integration.tenant_fixtures"]

RICH = "<p onclick=alert(1)>Dear <b>shop</b><script>alert(1)</script><img src=https://t.example/p.gif></p>"
SHOWN = "<p>Dear <b>shop</b><img></p>"


@pytest.fixture(autouse=True)
def app(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The route works on the tenant's parts."""
    monkeypatch.setattr(services, "current", lambda: tenant.hub)


async def shown(tenant: Tenant, interaction: object) -> func.HttpResponse:
    """Ask for the HTML of an interaction, as the tenant."""
    route: Any = get_interaction_html
    answer = await route._function.get_user_function()(
        func.HttpRequest(
            "GET",
            f"/api/v1/interactions/{interaction}/html",
            headers={"x-project-id": str(tenant.id)},
            route_params={"id": str(interaction)},
            body=b"",
        )
    )
    assert isinstance(answer, func.HttpResponse)
    return answer


def kept(tenant: Tenant, interaction: UUID) -> str | None:
    """Return what the database holds, deleted or not."""
    row = tenant.one("SELECT html FROM messages WHERE interaction_id = %s", interaction)
    assert row
    html = row["html"]
    assert html is None or isinstance(html, str)
    return html


async def raw_mail(tenant: Tenant, raw: bytes) -> dict[str, Any]:
    """Send and store a raw mail, and return its interaction's row."""
    headers = signed(tenant.project.raw.secret, raw) | {"content-type": "message/rfc822"}
    await tenant.hub.ingest.receive("email", str(tenant.project.raw.id), WebhookRequest(headers, {}, raw))
    (waiting,) = tenant.take(QueueName.INBOUND)
    await tenant.hub.store.store(DeliveryWork.model_validate(waiting))
    row = tenant.one("SELECT * FROM interactions WHERE project_id = %s", tenant.id)
    assert row
    return row


async def test_html_is_shown_without_what_runs_or_is_fetched(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(html=RICH))
    answer = await shown(tenant, row["id"])
    assert answer.status_code == 200
    assert answer.get_body().decode() == f'<!doctype html><meta charset="utf-8">{SHOWN}'


async def test_the_browser_is_told_to_run_and_fetch_nothing(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(html=RICH))
    answer = await shown(tenant, row["id"])
    assert (answer.mimetype, answer.charset) == ("text/html", "utf-8")
    policy = dict(each.strip().partition(" ")[::2] for each in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "'self' data:"
    assert policy["sandbox"] == ""
    assert not {"script-src", "style-src"} & policy.keys()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_pictures_of_a_raw_mail_are_its_attachments(tenant: Tenant) -> None:
    part = b"--b\r\nContent-Type: image/png\r\nContent-ID: <logo@1>\r\n\r\n\x89PNG\r\n\x1a\n\r\n"
    page = b'--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:logo@1"><img src="attachment:7">\r\n'
    head = b"From: ada@example.com\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    row = await raw_mail(tenant, head + page + part + b"--b--\r\n")
    picture = tenant.one("SELECT url FROM attachments WHERE project_id = %s", tenant.id)
    assert picture
    assert kept(tenant, row["id"]) == f'<img src="{picture["url"]}"><img>'


async def test_a_mail_without_html_has_none_to_show(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail())
    assert (await shown(tenant, row["id"])).status_code == 404


async def test_html_beyond_a_cap_is_not_kept_and_the_interaction_says_so(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(html="<div>" * (MAX_DEPTH + 1) + "text", text=None))
    assert (await shown(tenant, row["id"])).status_code == 404
    view = await tenant.hub.history.interaction(tenant.id, row["id"])
    assert view.metadata["flags"] == ["html-too-deep"]
    assert view.content == "text"


async def test_another_tenant_is_shown_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(html=RICH))
    assert (await shown(other_tenant, row["id"])).status_code == 404
    assert (await shown(tenant, row["id"])).status_code == 200


async def test_the_html_of_a_deleted_interaction_is_gone(tenant: Tenant) -> None:
    row = await tenant.deliver("email", mail(html=RICH))
    await tenant.hub.deletion.delete(tenant.id, InteractionId(row["id"]))
    assert (await shown(tenant, row["id"])).status_code == 404
