"""analyze_message: one message to findings, and the findings to where they belong."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.ai.gateway import Gateway, Subject
from shared.ai.masking import Mask
from shared.ai.prompts import prompt
from shared.ai.provider import Away, NotAsked
from shared.ai.seen import see
from shared.analysis.findings import Given, findings
from shared.analysis.subjects import subject_of
from shared.clock import Clock
from shared.errors import Contended, HubError, Permanent
from shared.failpoints import failpoint
from shared.identifiers import finding_id
from shared.models.analysis import ContextFact, MessageAnalysis
from shared.models.documents import iso
from shared.models.work import MessageWork
from shared.stores.cosmos import Documents
from shared.stores.postgres import Postgres, Row, Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("analysis.sql"))
PROMPT = "message_analysis"
MAX_SUBJECT_CHARACTERS = 500
# Set where HTML is read: it had text in it that is not shown.
HIDDEN_FLAG = "hidden-text"


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
        about = subject_of(work)
        message = await self._load(about)
        if message["deleted_at"] is not None:
            return
        given = self._given(message)
        if message["analysed"]:
            analysis = MessageAnalysis.model_validate(message["processed_content"])
        else:
            analysis = await self._understand(about, message, given)
        failpoint("analyze.findings_stored")
        await self._enrich(about, message, given, analysis)

    def _given(self, message: Row) -> Given:
        """What a hosted model must not see stays here."""
        text, subject = message["new_text"], message["subject"] or ""
        mask = Mask((text, subject)) if self.gateway.provider.hosted else None
        flags = message["metadata"].get("flags")
        hidden = isinstance(flags, list) and HIDDEN_FLAG in flags
        return Given(see(text, mask), see(subject, mask, most=MAX_SUBJECT_CHARACTERS), mask, hidden=hidden)

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

    async def _understand(self, about: Subject, message: Row, given: Given) -> MessageAnalysis:
        try:
            answer = await self.gateway.analyze_message(
                about, given.seen.text, subject=given.subject.text, sent_at=message["sent_at"]
            )
        except (Permanent, Away, NotAsked) as why:
            await self._store_why_not(about, why)
            raise
        failpoint("analyze.model_answered")
        found = findings(answer.value, given, inbound=message["direction"] == "inbound")
        async with self.postgres.tenant(about.project_id) as transaction:
            await self._store_analysis(transaction, about, found.analysis, answer.model)
            for fact in found.facts:
                await self._store_fact(transaction, about, message, fact)
        return found.analysis

    async def _store_why_not(self, about: Subject, why: HubError) -> None:
        """Whoever reads the interaction sees why it has no analysis, or none yet."""
        state = "analysis_failed" if isinstance(why, Permanent) else "analysis_deferred"
        shown = {"status": state, "reason": str(why).removeprefix("analysis_failed: "), "version": self.version}
        async with self.postgres.tenant(about.project_id) as transaction:
            await transaction.execute(
                SQL["set_why_not_analysed"],
                project_id=about.project_id,
                message_id=about.message_id,
                processed_content=json.dumps(shown),
            )

    async def _store_analysis(
        self, transaction: Transaction, about: Subject, analysis: MessageAnalysis, model: str
    ) -> None:
        ids = {"project_id": about.project_id, "message_id": about.message_id}
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
            model=model,
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
            data=json.dumps(fact.model_dump(mode="json", exclude={"type"})),
        )

    async def _enrich(self, about: Subject, message: Row, given: Given, analysis: MessageAnalysis) -> None:
        document = await self.documents.read(str(about.interaction_id), str(message["contact_id"]))
        if document is None:
            raise Contended("the document is not in Cosmos DB")
        if document.get("deleted") is True or (message["analysed"] and document.get("embedding")):
            return
        # Asked only now: while Cosmos DB is away no try may cost a call to the model.
        embedding = await self.gateway.embed(about, given.seen.text)
        fields: dict[str, Any] = {
            "embedding": embedding.vector,
            "embeddingModel": embedding.model,
            "embeddingDate": iso(self.clock.now()),
            "tags": analysis.tags,
        }
        await self.documents.set_fields(str(about.interaction_id), str(message["contact_id"]), fields)
