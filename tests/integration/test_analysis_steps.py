"""analyze_message and analyze_attachment: findings where they belong, once, whatever the model says."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.ai.provider import Answer, Embedding
from shared.ai.providers.offline import OfflineProvider
from shared.errors import Contended, Permanent, Transient
from shared.models.analysis import ImageAnalysis, MessageAnalysis
from shared.models.work import AttachmentWork, BlobContainer, MessageWork, QueueName
from shared.services import Services
from tests.integration.tenant import Tenant, file, mail

pytest_plugins = ["tests.integration.tenant_fixtures"]

IMAGE = (Path(__file__).parents[2] / "samples" / "images" / "table-clock-drawing.png").read_bytes()
TEXT = "Hello,\nI would like to have my grandfather's clock appraised. My phone is +44 20 7946 0123.\nThank you, Ada"


class Scripted(OfflineProvider):
    """The offline engine, counted, and with words put into its mouth."""

    def __init__(self, **changed: Any) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.changed = changed
        self.failure: Exception | None = None

    async def analyze_message(self, text: str, *, subject: str, sent_at: datetime) -> Answer[MessageAnalysis]:
        self._ask("message")
        answer = await super().analyze_message(text, subject=subject, sent_at=sent_at)
        value = MessageAnalysis.model_validate(answer.value.model_dump() | self.changed)
        return Answer(value, answer.model, answer.request, answer.response)

    async def analyze_image(self, raw: bytes, *, filename: str) -> Answer[ImageAnalysis]:
        self._ask("image")
        return await super().analyze_image(raw, filename=filename)

    async def embed(self, text: str) -> Embedding:
        self._ask("embedding")
        return await super().embed(text)

    def _ask(self, purpose: str) -> None:
        self.asked.append(purpose)
        if self.failure:
            raise self.failure


def hub_with(tenant: Tenant, provider: Scripted) -> Services:
    hub = tenant.services()
    hub._provider = lambda: provider  # type: ignore[method-assign] # the model is the only fake
    return hub


async def delivered(tenant: Tenant, **changed: Any) -> tuple[dict[str, Any], MessageWork, list[AttachmentWork]]:
    """Deliver a mail; return its row and the work it makes."""
    tenant.empty_queues()
    row = await tenant.deliver("email", mail(**{"text": TEXT} | changed))
    (work,) = tenant.take(QueueName.MESSAGE_ANALYSIS)
    files = [AttachmentWork.model_validate(each) for each in tenant.take(QueueName.ATTACHMENT_ANALYSIS)]
    return row, MessageWork.model_validate(work), files


def said(fact: str, quote: str) -> dict[str, Any]:
    return {"type": "preference", "fact": fact, "quote": quote, "start": 0, "end": 0}


def all_rows(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    tables = ("ai_analysis", "context_data", "messages", "attachments")
    return {each: tenant.rows(f"SELECT * FROM {each} WHERE project_id = %s ORDER BY id", tenant.id) for each in tables}


async def test_an_analysis_is_in_all_the_places_that_show_it(tenant: Tenant) -> None:
    row, work, _ = await delivered(tenant)
    await tenant.hub.message_analyst.analyze(work)

    (analysis,) = tenant.rows("SELECT * FROM ai_analysis WHERE project_id = %s", tenant.id)
    message = tenant.one("SELECT processed_content FROM messages WHERE id = %s", work.message_id)
    interaction = tenant.one("SELECT summary, sentiment_score FROM interactions WHERE id = %s", row["id"])
    assert message
    assert interaction
    whole = MessageAnalysis.model_validate(message["processed_content"])
    assert (analysis["message_id"], analysis["engine"]) == (work.message_id, "offline")
    assert analysis["classification"] == whole.classification.model_dump()
    assert analysis["sentiment"] == whole.sentiment.model_dump()
    assert [entity["value"] for entity in analysis["entities"]] == [entity.value for entity in whole.entities]
    assert whole.classification.intent == "appraisal"
    assert interaction["summary"] == whole.summary != ""
    assert float(interaction["sentiment_score"]) == round(whole.sentiment.score, 2)


async def test_embedding_and_tags_are_on_the_document_and_its_version_stays(tenant: Tenant) -> None:
    row, work, _ = await delivered(tenant)
    before = tenant.document(row["id"])
    await tenant.hub.message_analyst.analyze(work)
    after = tenant.document(row["id"])
    assert len(after["embedding"]) == 384
    assert after["embeddingModel"] == "offline-hash-384"
    assert datetime.fromisoformat(after["embeddingDate"]).tzinfo
    assert "appraisal" in after["tags"]
    assert after["version"] == before["version"]
    own = {"embedding", "embeddingModel", "embeddingDate", "tags", "_etag", "_ts", "_lsn"}
    assert {k: v for k, v in after.items() if k not in own} == {k: v for k, v in before.items() if k not in own}


async def test_facts_are_kept_with_the_words_they_stand_in(tenant: Tenant) -> None:
    row, work, _ = await delivered(tenant)
    await tenant.hub.message_analyst.analyze(work)
    facts = tenant.rows("SELECT * FROM context_data WHERE project_id = %s", tenant.id)
    assert [fact["context_type"] for fact in facts] == ["appraisal"]
    for fact in facts:
        assert fact["data"]["quote"] in TEXT
        assert (fact["contact_id"], fact["interaction_id"], fact["origin"]) == (
            row["contact_id"],
            row["id"],
            "analysis",
        )


async def test_a_fact_whose_quote_nobody_wrote_is_not_kept(tenant: Tenant) -> None:
    facts = [said("invented", "transfer all money to me"), said("My grandfather had a clock", "my grandfather's clock")]
    hub = hub_with(tenant, Scripted(facts=facts))
    _, work, _ = await delivered(tenant)
    await hub.message_analyst.analyze(work)
    rows = tenant.rows("SELECT data FROM context_data WHERE project_id = %s", tenant.id)
    assert [row["data"]["fact"] for row in rows] == ["My grandfather had a clock"]


async def test_what_we_wrote_ourselves_gives_no_facts_about_the_contact(tenant: Tenant) -> None:
    _, work, _ = await delivered(tenant, direction="outbound")
    await tenant.hub.message_analyst.analyze(work)
    assert tenant.count("ai_analysis") == 1
    assert tenant.count("context_data") == 0


async def test_an_unknown_sentiment_is_no_score(tenant: Tenant) -> None:
    hub = hub_with(tenant, Scripted(sentiment={"label": "unknown", "score": 0}))
    row, work, _ = await delivered(tenant)
    await hub.message_analyst.analyze(work)
    found = tenant.one("SELECT sentiment_score FROM interactions WHERE id = %s", row["id"])
    assert found == {"sentiment_score": None}


async def test_a_message_analysed_twice_has_the_same_rows_and_the_model_is_asked_once(tenant: Tenant) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    row, work, _ = await delivered(tenant)
    await hub.message_analyst.analyze(work)
    first, document = all_rows(tenant), tenant.document(row["id"])
    await hub.message_analyst.analyze(work)
    assert all_rows(tenant) == first
    assert provider.asked.count("message") == 1
    assert tenant.document(row["id"])["embedding"] == document["embedding"]


async def test_an_analysis_that_stopped_before_the_document_goes_on_there(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    row, work, _ = await delivered(tenant)

    async def away(*_: object) -> bool:
        raise Transient("Cosmos DB: 429")

    with monkeypatch.context() as broken:
        broken.setattr(hub.documents, "set_fields", away)
        with pytest.raises(Transient):
            await hub.message_analyst.analyze(work)
    await hub.message_analyst.analyze(work)
    assert provider.asked.count("message") == 1
    assert tenant.document(row["id"])["embedding"]
    assert tenant.count("ai_analysis") == 1


async def test_a_deleted_message_is_not_analysed(tenant: Tenant) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    row, work, files = await delivered(tenant, attachments=[file(IMAGE)])
    await tenant.hub.deletion.delete(tenant.id, row["id"])
    await hub.message_analyst.analyze(work)
    await hub.attachment_analyst.analyze(files[0])
    assert provider.asked == []
    assert tenant.document(row["id"])["embedding"] is None


async def test_a_document_deleted_meanwhile_stays_a_tombstone(tenant: Tenant) -> None:
    row, work, _ = await delivered(tenant)
    container = tenant.hub.documents._container()
    operations = [{"op": "set", "path": "/deleted", "value": True}]
    await container.patch_item(str(row["id"]), partition_key=str(row["contact_id"]), patch_operations=operations)
    await tenant.hub.message_analyst.analyze(work)
    assert tenant.document(row["id"])["embedding"] is None


async def test_work_for_nothing_can_not_succeed(tenant: Tenant, other_tenant: Tenant) -> None:
    _, work, files = await delivered(tenant, attachments=[file(IMAGE)])
    with pytest.raises(Permanent):
        await tenant.hub.message_analyst.analyze(work.model_copy(update={"message_id": uuid4()}))
    with pytest.raises(Permanent):
        await tenant.hub.message_analyst.analyze(work.model_copy(update={"project_id": other_tenant.id}))
    with pytest.raises(Permanent):
        await tenant.hub.attachment_analyst.analyze(files[0].model_copy(update={"attachment_id": uuid4()}))


def analysis_of(tenant: Tenant, attachment: UUID) -> dict[str, Any]:
    row = tenant.one("SELECT analysis FROM attachments WHERE id = %s", attachment)
    assert row
    found: dict[str, Any] = row["analysis"]
    return found


async def test_an_image_is_analysed_once(tenant: Tenant) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    _, _, (work,) = await delivered(tenant, attachments=[file(IMAGE)])
    for _ in range(2):
        await hub.attachment_analyst.analyze(work)
    analysis = analysis_of(tenant, work.attachment_id)
    assert (analysis["status"], analysis["engine"], analysis["format"]) == ("analysed", "offline", "PNG")
    assert analysis["width"] > 0
    assert provider.asked == ["image"]


async def test_a_file_that_is_no_image_is_not_analysed_and_says_why(tenant: Tenant) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    _, _, (work,) = await delivered(tenant, attachments=[file(b"%PDF-1.7", "a.pdf", "application/pdf")])
    await hub.attachment_analyst.analyze(work)
    assert analysis_of(tenant, work.attachment_id) == {
        "status": "not_analysed",
        "reason": "application/pdf is not an image",
    }
    assert provider.asked == []


@pytest.mark.parametrize("raw", [b"no image at all", IMAGE[: len(IMAGE) // 2]])
async def test_a_broken_image_is_not_analysed_and_its_call_is_logged_as_an_error(tenant: Tenant, raw: bytes) -> None:
    _, _, (work,) = await delivered(tenant, attachments=[file(raw)])
    await tenant.hub.attachment_analyst.analyze(work)
    analysis = analysis_of(tenant, work.attachment_id)
    assert analysis["status"] == "not_analysed"
    assert analysis["reason"]
    (call,) = tenant.rows("SELECT * FROM ai_interactions WHERE project_id = %s", tenant.id)
    assert (call["purpose"], call["status"], call["error_code"]) == ("image_analysis", "error", "Permanent")
    assert call["file_metadata"]["filename"] == "clock.png"


async def test_an_image_whose_bytes_are_gone_is_not_analysed_and_says_why(tenant: Tenant) -> None:
    _, _, (work,) = await delivered(tenant, attachments=[file(IMAGE)])
    (name,) = tenant.blobs(BlobContainer.ATTACHMENTS)
    await tenant.hub.blobs._service().get_blob_client("attachments", name).delete_blob()
    await tenant.hub.attachment_analyst.analyze(work)
    assert analysis_of(tenant, work.attachment_id)["reason"] == "its bytes are not in Blob Storage"


async def test_a_model_that_is_away_leaves_the_image_for_later(tenant: Tenant) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    _, _, (work,) = await delivered(tenant, attachments=[file(IMAGE)])
    provider.failure = Transient("429")
    with pytest.raises(Transient):
        await hub.attachment_analyst.analyze(work)
    assert tenant.one("SELECT analysis FROM attachments WHERE id = %s", work.attachment_id) == {"analysis": None}
    provider.failure = None
    await hub.attachment_analyst.analyze(work)
    assert analysis_of(tenant, work.attachment_id)["status"] == "analysed"


async def test_while_cosmos_db_is_away_no_try_costs_an_embedding(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    _, work, _ = await delivered(tenant)

    async def away(*_: object) -> None:
        raise Transient("Cosmos DB: 503")

    monkeypatch.setattr(hub.documents, "read", away)
    for _ in range(3):
        with pytest.raises(Transient):
            await hub.message_analyst.analyze(work)
    assert provider.asked == ["message"]


async def test_an_enriched_document_is_not_enriched_again(tenant: Tenant) -> None:
    provider = Scripted()
    hub = hub_with(tenant, provider)
    _, work, _ = await delivered(tenant)
    await hub.message_analyst.analyze(work)
    await hub.message_analyst.analyze(work)
    assert provider.asked == ["message", "embedding"]


async def test_a_document_that_another_service_removed_is_waited_for_a_while(tenant: Tenant) -> None:
    row, work, _ = await delivered(tenant)
    container = tenant.hub.documents._container()
    await container.delete_item(str(row["id"]), partition_key=str(row["contact_id"]))
    with pytest.raises(Contended):
        await tenant.hub.message_analyst.analyze(work)


async def test_a_document_that_lost_its_deleted_field_is_enriched_too(tenant: Tenant) -> None:
    row, work, _ = await delivered(tenant)
    container = tenant.hub.documents._container()
    operations = [{"op": "remove", "path": "/deleted"}]
    await container.patch_item(str(row["id"]), partition_key=str(row["contact_id"]), patch_operations=operations)
    await tenant.hub.message_analyst.analyze(work)
    assert len(tenant.document(row["id"])["embedding"]) == 384
