"""What other services put into the queue `external-messages`: public and versioned (docs/queues.md)."""

from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.models.webhooks import ChatIn, EmailIn
from shared.models.work import Task

MAX_EXTERNAL_BYTES = 47 * 1024  # in base64 just below what a queue message may have, 64 KiB


class _OwnFormat:
    """Shows a message as one of our formats; it is read by the source's provider, from its canonical bytes."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(TypeAdapter(model).core_schema) for model in (EmailIn, ChatIn)]}


class ExternalMessage(Task):
    """One message for a source of channel `queue`, which decides project and format. It has `message` or `blob`."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True, ser_json_inf_nan="constants")
    max_bytes: ClassVar[int] = MAX_EXTERNAL_BYTES + 100  # our `attempt` comes on top

    source: Annotated[UUID, Field(description="The source's id; the source is of channel `queue`")]
    id: Annotated[
        str, Field(min_length=1, max_length=255, description="The sender's own id of this message, the same at a retry")
    ]
    message: Annotated[
        dict[str, Any] | None, _OwnFormat, Field(description="The message itself, in the format of the source")
    ] = None
    blob: Annotated[
        str | None,
        Field(min_length=1, max_length=1024, description="Name of a blob in the container `external-inbound`"),
    ] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.message is None) == (self.blob is None):
            raise ValueError("either message or blob must be given")
        return self
