"""One message becomes part of a contact's history: contact, conversation, interaction, message, attachments."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.identifiers import ContactId, ConversationId, InteractionId, MessageId, ProjectId, SourceId
from shared.inbox.attachments import StoredAttachment, with_pictures
from shared.inbox.contacts import SQL as CONTACTS
from shared.inbox.contacts import resolve_contact
from shared.inbox.conversations import resolve_conversation
from shared.models.messages import IncomingMessage
from shared.models.text import bounded_content, cut, plausible_time
from shared.stores.postgres import Row, Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("interactions.sql"))


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message on its way into the history, with the ids derived for it."""

    project_id: ProjectId
    source_id: SourceId
    agent_id: UUID | None
    interaction_id: InteractionId
    message_id: MessageId
    message: IncomingMessage
    received_at: datetime


async def record_arrival(transaction: Transaction, arrival: Arrival, files: list[StoredAttachment]) -> Row:
    """Write all that a message makes, unless it is there; return the interaction's committed row.

    The contact of a row that is there is never resolved again: its document's partition can't change.
    """
    committed = await _committed(transaction, arrival)
    if committed is None:
        await _insert(transaction, arrival, files)
        committed = await _committed(transaction, arrival)
    assert committed is not None  # noqa: S101 # inserted by the statement before, in this transaction
    return committed


async def _insert(transaction: Transaction, arrival: Arrival, files: list[StoredAttachment]) -> None:
    message = arrival.message
    timestamp, clamped = plausible_time(message.sent_at, arrival.received_at)
    contact = await resolve_contact(transaction, arrival.project_id, message.identities, message.display_name)
    conversation = await resolve_conversation(
        transaction,
        arrival.project_id,
        arrival.source_id,
        message=message,
        interaction=arrival.interaction_id,
        contact=contact,
        at=timestamp,
    )
    content, metadata = bounded_content(message.content, {**message.metadata, **clamped})
    await _insert_interaction(
        transaction,
        arrival,
        contact_id=contact,
        conversation_id=conversation,
        timestamp=timestamp,
        content=content,
        metadata=json.dumps(metadata),
    )
    await _insert_message(transaction, arrival, timestamp, content, files)
    for file in files:
        await _insert_attachment(transaction, arrival, file)
    await transaction.execute(
        CONTACTS["touch_contact"],
        project_id=arrival.project_id,
        id=contact,
        at=timestamp,
        display_name=message.display_name,
    )


async def _committed(transaction: Transaction, arrival: Arrival) -> Row | None:
    return await transaction.one(SQL["committed_interaction"], project_id=arrival.project_id, id=arrival.interaction_id)


async def _insert_interaction(
    transaction: Transaction,
    arrival: Arrival,
    *,
    contact_id: ContactId,
    conversation_id: ConversationId,
    timestamp: datetime,
    content: str,
    metadata: str,
) -> None:
    await transaction.execute(
        SQL["insert_interaction"],
        project_id=arrival.project_id,
        id=arrival.interaction_id,
        agent_id=arrival.agent_id,
        contact_id=contact_id,
        type=arrival.message.type,
        content=content,
        timestamp=timestamp,
        metadata=metadata,
        direction=arrival.message.direction,
        subject=arrival.message.subject,
        external_id=arrival.message.external_id,
        source_platform=arrival.message.type,
        conversation_id=conversation_id,
    )


async def _insert_message(
    transaction: Transaction, arrival: Arrival, timestamp: datetime, content: str, files: list[StoredAttachment]
) -> None:
    message = arrival.message
    await transaction.execute(
        SQL["insert_message"],
        project_id=arrival.project_id,
        id=arrival.message_id,
        interaction_id=arrival.interaction_id,
        direction=message.direction,
        content=content,
        new_text=cut(message.new_text, len(content.encode())),
        content_type=message.content_type,
        external_message_id=message.external_id,
        sender=message.sender,
        recipients=list(message.recipients),
        sent_at=timestamp,
        html=with_pictures(message.html, files) if message.html else None,
    )


async def _insert_attachment(transaction: Transaction, arrival: Arrival, file: StoredAttachment) -> None:
    await transaction.execute(
        SQL["insert_attachment"],
        project_id=arrival.project_id,
        id=file.id,
        message_id=arrival.message_id,
        position=file.position,
        type=file.type,
        url=file.url,
        filename=file.filename,
        content_type=file.content_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        blob_name=file.blob_name,
    )
