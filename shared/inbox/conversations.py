"""Which thread a message belongs to, in whatever order its mails arrive."""

from datetime import datetime
from pathlib import Path

from shared.identifiers import ConversationId, InteractionId, ProjectId, SourceId, conversation_id
from shared.models.messages import IncomingMessage
from shared.stores.postgres import Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("conversations.sql"))


async def resolve_conversation(
    transaction: Transaction,
    project: ProjectId,
    source: SourceId,
    *,
    message: IncomingMessage,
    interaction: InteractionId,
    at: datetime,
) -> ConversationId:
    """Return the conversation that any of the message's thread keys names, or a new one; it learns all the keys."""
    keys = message.thread.keys() or [f"interaction:{interaction}"]
    scope = {"project_id": project, "source_id": source, "keys": keys}
    await transaction.all(SQL["lock_thread_keys"], source_id=source, keys=keys)
    found = await transaction.one(SQL["find_conversation"], **scope)
    conversation = ConversationId(found["conversation_id"]) if found else conversation_id(project, source, keys[0])
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
