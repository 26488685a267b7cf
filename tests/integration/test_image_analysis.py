"""Analysis with a model behind HTTP: the same bytes once, no answer paid for and not logged, failures in sight."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from azure.functions.queue import QueueMessage
from PIL import Image

from functions.work import run_step
from shared import services
from shared.ai.prompts import prompt
from shared.ai.providers.openai_responses import OpenAIProvider
from shared.errors import Transient
from shared.identifiers import ContactId
from shared.inbox.cursors import read_cursor
from shared.models.work import AttachmentWork, MessageWork, QueueName
from shared.services import Services
from tests.integration.tenant import Tenant, file, mail
from tests.model_server.script import Mode
from tests.model_server.server import ModelServer

pytest_plugins = ["tests.integration.tenant_fixtures", "tests.model_server.fixtures"]

SAMPLES = Path(__file__).parents[2] / "samples" / "images"
IMAGE = (SAMPLES / "table-clock-drawing.png").read_bytes()
OTHER = (SAMPLES / "receipt.jpg").read_bytes()


@pytest.fixture
async def hub(tenant: Tenant, model_server: ModelServer) -> AsyncIterator[Services]:
    """The tenant's parts with the scripted model."""
    made = tenant.services(AI_PROVIDER="openai", OPENAI_API_KEY=model_server.key, OPENAI_BASE_URL=model_server.base_url)
    yield made
    provider = made.gateway.provider
    assert isinstance(provider, OpenAIProvider)
    await provider.close()


async def delivered(tenant: Tenant, *files: dict[str, str]) -> tuple[dict[str, Any], MessageWork, list[AttachmentWork]]:
    """Deliver a mail; return its row and the work it makes."""
    tenant.empty_queues()
    row = await tenant.deliver("email", mail(attachments=list(files)))
    (work,) = tenant.take(QueueName.MESSAGE_ANALYSIS)
    works = [AttachmentWork.model_validate(each) for each in tenant.take(QueueName.ATTACHMENT_ANALYSIS)]
    return row, MessageWork.model_validate(work), works


async def analyze(hub: Services, work: MessageWork) -> None:
    await hub.message_analyst.analyze(work)


def analysis_of(tenant: Tenant, attachment: UUID) -> dict[str, Any]:
    row = tenant.one("SELECT analysis FROM attachments WHERE id = %s", attachment)
    assert row
    found: dict[str, Any] = row["analysis"]
    return found


def calls(tenant: Tenant) -> list[dict[str, Any]]:
    return tenant.rows('SELECT * FROM ai_interactions WHERE project_id = %s ORDER BY "timestamp"', tenant.id)


async def test_a_message_analysed_by_a_model_is_in_all_the_places_that_show_it(tenant: Tenant, hub: Services) -> None:
    row, work, _ = await delivered(tenant)
    await hub.message_analyst.analyze(work)

    version = prompt("message_analysis").version
    analysis = tenant.one(
        "SELECT engine, model, prompt_version FROM ai_analysis WHERE message_id = %s", work.message_id
    )
    assert analysis == {"engine": "openai", "model": hub.settings.model_message, "prompt_version": version}
    document = tenant.document(row["id"])
    assert (len(document["embedding"]), document["embeddingModel"]) == (512, "text-embedding-3-small-512")
    logged = {call["purpose"]: call for call in calls(tenant)}
    assert logged["message_analysis"]["response"]["usage"]["total_tokens"] > 0
    assert logged["embedding"]["response"]["usage"]["prompt_tokens"] > 0


async def test_an_answer_that_does_not_hold_is_logged_with_what_it_cost_and_repaired(
    tenant: Tenant, hub: Services, model_server: ModelServer
) -> None:
    _, work, _ = await delivered(tenant)
    model_server.next(Mode.OUT_OF_RANGE)
    await hub.message_analyst.analyze(work)

    first, second, _ = calls(tenant)
    assert (first["status"], first["error_code"], second["status"]) == ("error", "invalid_answer", "success")
    assert first["response"]["usage"]["output_tokens"] > 0
    assert '"score": -7' in first["response"]["text"]
    assert first["prompt_hash"] != second["prompt_hash"]
    assert tenant.count("ai_analysis") == 1


async def test_a_hostile_answer_is_words_and_nothing_else(
    tenant: Tenant, hub: Services, model_server: ModelServer
) -> None:
    row, work, _ = await delivered(tenant)
    model_server.next(Mode.HOSTILE)
    await hub.message_analyst.analyze(work)

    shown = await hub.history.interaction(tenant.id, row["id"])
    assert shown.analysis
    assert shown.analysis.entities == []
    assert (shown.summary or "").startswith("'); DROP TABLE contacts; --")
    for hostile in ("\x00", "<script>", "evil.example"):
        assert hostile not in (shown.summary or "")
    assert tenant.count("contacts") == 1
    assert tenant.count("context_data") == 0
    assert tenant.take(QueueName.MESSAGE_ANALYSIS) == tenant.dead_letters() == []


@pytest.mark.parametrize(
    "modes", [[Mode.REFUSAL], [Mode.WRONG_ENUM, Mode.INVALID_JSON, Mode.NAN], [Mode.CONTENT_FILTER]]
)
async def test_a_message_no_model_will_read_stays_in_sight_and_is_a_dead_letter(
    tenant: Tenant, hub: Services, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, modes: list[Mode]
) -> None:
    monkeypatch.setattr(services, "current", lambda: hub)
    row, work, _ = await delivered(tenant)
    model_server.next(*modes)
    message = QueueMessage(id="1", body=work.model_dump_json().encode())
    await run_step(QueueName.MESSAGE_ANALYSIS, MessageWork, message, analyze)

    (letter,) = tenant.dead_letters()
    assert "the" in letter["reason"]
    assert tenant.take(QueueName.MESSAGE_ANALYSIS) == []
    assert [call["status"] for call in calls(tenant)] == ["error"] * len(modes)
    shown = await hub.history.interaction(tenant.id, row["id"])
    assert (shown.analysis, shown.content) == (None, row["content"])


async def test_a_limit_defers_the_message_for_as_long_as_the_server_asks(
    tenant: Tenant, hub: Services, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "current", lambda: hub)
    delays: list[float] = []

    async def send(_queue: object, _work: object, *, delay: Any) -> None:
        delays.append(delay.total_seconds())

    monkeypatch.setattr(hub.queues, "send", send)
    _, work, _ = await delivered(tenant)
    model_server.next(Mode.LIMITED_FOR_7_SECONDS)
    message = QueueMessage(id="1", body=work.model_dump_json().encode())
    await run_step(QueueName.MESSAGE_ANALYSIS, MessageWork, message, analyze)

    assert delays == [7]
    assert tenant.dead_letters() == []
    assert len(model_server.requests) == 1


async def test_while_a_model_rests_work_waits_and_the_log_says_so_in_one_row(
    tenant: Tenant, hub: Services, model_server: ModelServer
) -> None:
    _, work, _ = await delivered(tenant)
    model_server.next(Mode.OVERLOADED)
    for _ in range(20):
        with pytest.raises(Transient):
            await hub.message_analyst.analyze(work)
    assert len(model_server.requests) == 1
    assert [call["status"] for call in calls(tenant)] == ["error", "deferred"]


async def test_the_same_bytes_are_seen_once_in_a_project(
    tenant: Tenant, hub: Services, model_server: ModelServer
) -> None:
    _, _, (first, other) = await delivered(tenant, file(IMAGE), file(OTHER, "receipt.jpg", "image/jpeg"))
    _, _, (again,) = await delivered(tenant, file(IMAGE, "again.png"))
    for work in (first, other, again):
        await hub.attachment_analyst.analyze(work)

    assert analysis_of(tenant, again.attachment_id) == analysis_of(tenant, first.attachment_id)
    assert analysis_of(tenant, first.attachment_id)["version"] == "openai/1"
    assert analysis_of(tenant, other.attachment_id)["format"] == "JPEG"
    assert len(model_server.requests) == 2


async def test_what_another_project_or_another_engine_saw_is_not_taken_over(
    tenant: Tenant, other_tenant: Tenant, hub: Services, model_server: ModelServer
) -> None:
    _, _, (theirs,) = await delivered(other_tenant, file(IMAGE))
    await hub.attachment_analyst.analyze(theirs)
    _, _, (by_rules,) = await delivered(tenant, file(IMAGE))
    await tenant.hub.attachment_analyst.analyze(by_rules)
    _, _, (ours,) = await delivered(tenant, file(IMAGE))
    await hub.attachment_analyst.analyze(ours)

    assert analysis_of(tenant, by_rules.attachment_id)["engine"] == "offline"
    assert analysis_of(tenant, ours.attachment_id)["engine"] == "openai"
    assert len(model_server.requests) == 2


async def test_a_failed_look_is_not_taken_over(tenant: Tenant, hub: Services, model_server: ModelServer) -> None:
    model_server.next(Mode.REFUSAL)
    for expected in ("not_analysed", "analysed"):
        _, _, (work,) = await delivered(tenant, file(IMAGE))
        await hub.attachment_analyst.analyze(work)
        assert analysis_of(tenant, work.attachment_id)["status"] == expected


async def test_a_bomb_is_not_analysed_and_never_sent(tenant: Tenant, hub: Services, model_server: ModelServer) -> None:
    packed = io.BytesIO()
    Image.new("L", (20_000, 5_000)).save(packed, "PNG")
    _, _, (work,) = await delivered(tenant, file(packed.getvalue()))
    await hub.attachment_analyst.analyze(work)

    analysis = analysis_of(tenant, work.attachment_id)
    assert analysis["status"] == "not_analysed"
    assert "pixels" in analysis["reason"]
    assert model_server.requests == []


async def test_an_image_understood_late_is_in_the_contacts_context(
    tenant: Tenant, hub: Services, model_server: ModelServer
) -> None:
    row, message, (image,) = await delivered(tenant, file(IMAGE))
    model_server.next(Mode.BROKEN)
    with pytest.raises(Transient):
        await hub.attachment_analyst.analyze(image)
    await hub.message_analyst.analyze(message)

    page = read_cursor(None, None)
    before = await hub.history.context(tenant.id, ContactId(row["contact_id"]), page, page)
    assert before.interactions.items[0].attachments[0].analysis is None

    await hub.attachment_analyst.analyze(image)
    after = await hub.history.context(tenant.id, ContactId(row["contact_id"]), page, page)
    seen = after.interactions.items[0].attachments[0].analysis
    assert seen
    assert (seen["status"], seen["description"][:3]) == ("analysed", "PNG")
    assert after.interactions.items[0].analysis == before.interactions.items[0].analysis
