"""analyze_message: one message to findings, and the findings to where they belong."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.ai.gateway import Gateway, Subject
from shared.ai.prompts import prompt
from shared.ai.provider import Answer
from shared.clock import Clock
from shared.errors import Contended, Permanent
from shared.failpoints import failpoint
from shared.identifiers import InteractionId, MessageId, ProjectId, finding_id
from shared.models.analysis import ContextFact, MessageAnalysis
from shared.models.documents import iso
from shared.models.text import cut
from shared.models.work import MessageWork
from shared.stores.cosmos import Documents
from shared.stores.postgres import Postgres, Row, Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("analysis.sql"))
PROMPT = "message_analysis"
MAX_ANALYSED_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class MessageAnalyst:
    """Analyses messages. Run twice for one message and version, the model's answer is used that is stored."""

    gateway: Gateway
    postgres: Postgres
    documents: Documents
    clock: Clock

    @property
    def version(self) -> str:
        """Which analysis this is: a message has one of each version."""
        return f"{self.gateway.engine}/{prompt(PROMPT).version}"

    async def analyze(self, work: MessageWork) -> None:
        """Analyse one message. Raises Permanent when there is none, Transient when model or store are away."""
        about = Subject(ProjectId(work.project_id), InteractionId(work.interaction_id), MessageId(work.message_id))
        message = await self._load(about)
        if message["deleted_at"] is not None:
            return
        text = cut(message["new_text"], MAX_ANALYSED_BYTES)
        if message["analysed"]:
            analysis = MessageAnalysis.model_validate(message["processed_content"])
        else:
            analysis = await self._understand(about, message, text)
        failpoint("analyze.findings_stored")
        await self._enrich(about, message, text, analysis)

    async def _load(self, about: Subject) -> Row:
        async with self.postgres.tenant(about.project_id) as transaction:
            row = await transaction.one(
                SQL["get_message"],
                project_id=about.project_id,
                message_id=about.message_id,
                analysis_version=self.version,
            )
        if row is None:
            raise Permanent("there is no such message")
        return row

    async def _understand(self, about: Subject, message: Row, text: str) -> MessageAnalysis:
        answer = await self.gateway.analyze_message(
            about, text, subject=message["subject"] or "", sent_at=message["sent_at"]
        )
        failpoint("analyze.model_answered")
        async with self.postgres.tenant(about.project_id) as transaction:
            await self._store_analysis(transaction, about, answer)
            if message["direction"] == "inbound":
                for fact in answer.value.facts:
                    if fact.quote in text:
                        await self._store_fact(transaction, about, message, fact)
        return answer.value

    async def _store_analysis(self, transaction: Transaction, about: Subject, answer: Answer[MessageAnalysis]) -> None:
        analysis, ids = answer.value, {"project_id": about.project_id, "message_id": about.message_id}
        content = analysis.model_dump(mode="json")
        await transaction.execute(
            SQL["insert_analysis"],
            **ids,
            id=finding_id(about.message_id, self.version, "analysis"),
            analysis_version=self.version,
            classification=json.dumps(content["classification"]),
            sentiment=json.dumps(content["sentiment"]),
            entities=json.dumps(content["entities"]),
            engine=self.gateway.engine,
            model=answer.model,
            prompt_version=prompt(PROMPT).version,
        )
        await transaction.execute(SQL["set_processed_content"], **ids, processed_content=json.dumps(content))
        known = analysis.sentiment.label != "unknown"
        await transaction.execute(
            SQL["set_findings"],
            project_id=about.project_id,
            interaction_id=about.interaction_id,
            summary=analysis.summary,
            sentiment_score=round(analysis.sentiment.score, 2) if known else None,
        )

    async def _store_fact(self, transaction: Transaction, about: Subject, message: Row, fact: ContextFact) -> None:
        await transaction.execute(
            SQL["insert_fact"],
            project_id=about.project_id,
            id=finding_id(about.message_id, self.version, f"{fact.type}:{fact.fact}:{fact.quote}"),
            contact_id=message["contact_id"],
            interaction_id=about.interaction_id,
            context_type=fact.type,
            data=json.dumps({"fact": fact.fact, "quote": fact.quote}),
        )

    async def _enrich(self, about: Subject, message: Row, text: str, analysis: MessageAnalysis) -> None:
        document = await self.documents.read(str(about.interaction_id), str(message["contact_id"]))
        if document is None:
            raise Contended("the document is not in Cosmos DB")
        if document.get("deleted") is True or (message["analysed"] and document.get("embedding")):
            return
        # Asked only now: while Cosmos DB is away no try may cost a call to the model.
        embedding = await self.gateway.embed(about, text)
        fields: dict[str, Any] = {
            "embedding": embedding.vector,
            "embeddingModel": embedding.model,
            "embeddingDate": iso(self.clock.now()),
            "tags": analysis.tags,
        }
        await self.documents.set_fields(str(about.interaction_id), str(message["contact_id"]), fields)
