"""Which thread a message belongs to, in whatever order its mails arrive."""

from datetime import datetime
from pathlib import Path
from typing import Any

from shared.identifiers import (
    ContactId,
    ConversationId,
    InteractionId,
    ProjectId,
    SourceId,
    conversation_id,
    sha256_hex,
)
from shared.models.messages import IncomingMessage
from shared.stores.postgres import Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("conversations.sql"))
MAX_KEY_BYTES = 1000  # a Postgres index takes 2704 bytes a row, and Message-IDs are the sender's


async def resolve_conversation(
    transaction: Transaction,
    project: ProjectId,
    source: SourceId,
    *,
    message: IncomingMessage,
    interaction: InteractionId,
    contact: ContactId,
    at: datetime,
) -> ConversationId:
    """Return the conversation that any of the message's thread keys names, or a new one; it learns all the keys.

    Where the keys name several, this message is the link that came late, and those that its contact takes part in
    become one. Other people's stay as they are: whoever knows a Message-ID could join their threads for good. And a
    provider that names the thread itself knows better.
    """
    keys = list(map(_bounded, message.thread.keys())) or [f"interaction:{interaction}"]
    scope = {"project_id": project, "source_id": source, "keys": keys}
    await transaction.all(SQL["lock_thread_keys"], source_id=source, keys=keys)
    found = await _hold(transaction, project, scope)
    conversation = found[0] if found else conversation_id(project, source, keys[0])
    if len(found) > 1 and not message.thread.provider_id:
        shared = await _shared(transaction, project, contact, found)
        conversation = shared[0] if shared else conversation
        if len(shared) > 1:
            await _join(transaction, project, source, into=conversation, parts=shared[1:])
    await transaction.execute(
        SQL["upsert_conversation"],
        project_id=project,
        id=conversation,
        source_id=source,
        channel=message.type,
        subject=message.subject,
        at=at,
    )
    await transaction.execute(SQL["insert_keys"], **scope, conversation_id=conversation)
    return conversation


async def _hold(transaction: Transaction, project: ProjectId, scope: dict[str, Any]) -> list[ConversationId]:
    """Return the conversations that the keys name, held until commit."""
    held: set[ConversationId] = set()
    while True:
        rows = await transaction.all(SQL["find_conversations"], **scope)
        found = [ConversationId(row["conversation_id"]) for row in rows]
        if held.issuperset(found):
            return found
        # While this waits, another transaction may join one of them to a third: so look again.
        await transaction.all(SQL["lock_conversations"], project_id=project, ids=found)
        held.update(found)


async def _shared(
    transaction: Transaction, project: ProjectId, contact: ContactId, found: list[ConversationId]
) -> list[ConversationId]:
    """Return those of the conversations that the contact takes part in."""
    rows = await transaction.all(SQL["conversations_of_contact"], project_id=project, contact_id=contact, ids=found)
    mine = {row["conversation_id"] for row in rows}
    return [conversation for conversation in found if conversation in mine]


async def _join(
    transaction: Transaction,
    project: ProjectId,
    source: SourceId,
    *,
    into: ConversationId,
    parts: list[ConversationId],
) -> None:
    await transaction.execute(SQL["move_keys"], project_id=project, source_id=source, into=into, parts=parts)
    await transaction.execute(SQL["move_interactions"], project_id=project, into=into, parts=parts)
    await transaction.execute(SQL["drop_conversations"], project_id=project, into=into, parts=parts)


def _bounded(key: str) -> str:
    return key if len(key.encode()) <= MAX_KEY_BYTES else f"{key.partition(':')[0]}:sha256:{sha256_hex(key.encode())}"
