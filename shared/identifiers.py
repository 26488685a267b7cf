"""Ids: NewTypes so that one kind is not passed for another, and the derivations that make retries harmless.

A derived id is a UUIDv5 of what identifies the thing, so the same delivery gives the same ids on every
machine and at every retry. Contact ids are random: an id derived from an address would outlive erasure.
"""

import hashlib
import json
import uuid
from typing import Any, NewType
from uuid import UUID

ProjectId = NewType("ProjectId", UUID)
SourceId = NewType("SourceId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
ContactId = NewType("ContactId", UUID)
ConversationId = NewType("ConversationId", UUID)
InteractionId = NewType("InteractionId", UUID)
MessageId = NewType("MessageId", UUID)
AttachmentId = NewType("AttachmentId", UUID)

_NAMESPACE = UUID("5d0bd6c0-3f0b-5c8e-9d5e-1a2f6a7b8c90")


def _derive(kind: str, *parts: object) -> UUID:
    # A JSON array keeps ("a", "bc") and ("ab", "c") apart.
    return uuid.uuid5(_NAMESPACE, json.dumps([kind, *map(str, parts)], ensure_ascii=True))


def delivery_id(project: ProjectId, source: SourceId, key: str) -> DeliveryId:
    """Return the id of one webhook call; `key` is the provider's delivery id or the body's hash."""
    return DeliveryId(_derive("delivery", project, source, key))


def interaction_id(project: ProjectId, source: SourceId, key: str) -> InteractionId:
    """Return the id of one message's interaction; a sender-controlled `key` carries the content's hash."""
    return InteractionId(_derive("interaction", project, source, key))


def conversation_id(project: ProjectId, source: SourceId, thread: str) -> ConversationId:
    """Return the id of a thread, from the provider's thread id or the thread's first Message-ID."""
    return ConversationId(_derive("conversation", project, source, thread))


def message_id(project: ProjectId, interaction: InteractionId) -> MessageId:
    """Return the id of the one message of an interaction that came in as a message."""
    return MessageId(_derive("message", project, interaction))


def attachment_id(message: MessageId, position: int) -> AttachmentId:
    """Return the id of the attachment at `position` (from 0) of a message."""
    return AttachmentId(_derive("attachment", message, position))


def finding_id(message: MessageId, version: str, content: str) -> UUID:
    """Return the id of one analysis result, so that an analysis run twice writes it once."""
    return _derive("finding", message, version, content)


def sha256_hex(raw: bytes) -> str:
    """Return the lower-case hex SHA-256 of bytes."""
    return hashlib.sha256(raw).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return one byte string for equal JSON values: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
