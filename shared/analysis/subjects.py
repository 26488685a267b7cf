"""What is to be analysed, when only its id is known."""

from dataclasses import dataclass
from pathlib import Path

from shared.ai.attempts import Subject
from shared.errors import Permanent
from shared.identifiers import InteractionId, MessageId, ProjectId
from shared.models.work import AskedAttachment, AskedMessage, AttachmentWork, MessageWork
from shared.stores.postgres import Postgres
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("subjects.sql"))


def subject_of(work: MessageWork | AttachmentWork) -> Subject:
    """Return what the log says that the calls of an analysis are about, and for whom they are made."""
    project, interaction = ProjectId(work.project_id), InteractionId(work.interaction_id)
    return Subject(project, interaction, MessageId(work.message_id), work.user_id)


@dataclass(frozen=True, slots=True)
class Subjects:
    """Completes what was asked for. Raises Permanent for what the project does not have."""

    postgres: Postgres

    async def message(self, asked: AskedMessage) -> MessageWork:
        """Return the work of analysing a message."""
        if asked.interaction_id is not None:
            return MessageWork.model_validate(asked.model_dump())
        async with self.postgres.tenant(ProjectId(asked.project_id)) as transaction:
            found = await transaction.one(
                SQL["interaction_of_message"], project_id=asked.project_id, message_id=asked.message_id
            )
        if found is None:
            raise Permanent("there is no such message")
        return MessageWork.model_validate(asked.model_dump() | found)

    async def attachment(self, asked: AskedAttachment) -> AttachmentWork:
        """Return the work of analysing an attachment."""
        if asked.interaction_id is not None and asked.message_id is not None:
            return AttachmentWork.model_validate(asked.model_dump())
        async with self.postgres.tenant(ProjectId(asked.project_id)) as transaction:
            found = await transaction.one(
                SQL["message_of_attachment"], project_id=asked.project_id, attachment_id=asked.attachment_id
            )
        if found is None:
            raise Permanent("there is no such attachment")
        return AttachmentWork.model_validate(asked.model_dump() | found)
