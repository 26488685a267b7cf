"""What the Responses and Embeddings APIs answer, read by ourselves: a server that is only compatible may say anything.

Unknown fields are left alone, missing ones have defaults. Source: OpenAI's API reference, `responses` and `embeddings`.
"""

import base64
import binascii
import math
import struct
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.ai.providers.openai_usage import TokenCounts, counted_or_none
from shared.ai.usage import Usage
from shared.models.text import storable

# Beyond what a model writes within our `max_output_tokens`.
MAX_LOGGED_CHARACTERS = 100_000
MAX_MODEL_CHARACTERS = 200


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)


class _Counted(_Wire):
    """An answer that says what it took."""

    usage: Annotated[TokenCounts | None, BeforeValidator(counted_or_none)] = None
    model: str = ""

    @property
    def counted(self) -> Usage:
        """What was used, by class."""
        return self.usage.classes() if self.usage else Usage()

    @property
    def answered_by(self) -> str:
        """The model in the server's words, storable."""
        return storable(self.model)[:MAX_MODEL_CHARACTERS]

    @property
    def logged_usage(self) -> dict[str, Any]:
        """What was used, in the server's words, for the log."""
        return self.usage.model_dump(exclude_none=True) if self.usage else {}


class _Content(_Wire):
    type: str = ""
    text: str = ""
    refusal: str = ""


class _Output(_Wire):
    type: str = ""
    content: list[_Content] | None = None


class _Reason(_Wire):
    reason: str | None = None
    code: str | None = None


class ResponseBody(_Counted):
    """One answer of the Responses API."""

    id: str = ""
    status: str = "completed"
    output: list[_Output] = Field(default_factory=list)
    incomplete_details: _Reason | None = None
    error: _Reason | None = None

    @property
    def failed_for_now(self) -> bool:
        """Whether the model itself broke down, and not over what it was asked."""
        code = self.error.code if self.error else None
        return self.status == "failed" and code in (None, "server_error", "rate_limit_exceeded")

    def _parts(self) -> list[_Content]:
        return [part for item in self.output if item.type == "message" for part in item.content or []]

    @property
    def text(self) -> str:
        """Everything the model wrote."""
        return "".join(part.text for part in self._parts() if part.type == "output_text")

    @property
    def refusal(self) -> str:
        """Why the model would not, empty when it did."""
        return "".join(part.refusal or "refused" for part in self._parts() if part.type == "refusal")

    @property
    def cut_off_by(self) -> str:
        """What ended the answer before its end, empty when it is whole."""
        stopped = self.incomplete_details.reason if self.incomplete_details else None
        return stopped or "unknown" if self.status == "incomplete" else ""

    def logged(self) -> dict[str, Any]:
        """Return what came back, for the log: storable, and not longer than a log can bear; `cut` has what was."""
        said = {"id": self.id, "model": self.model, "status": self.status, "text": self.text, "refusal": self.refusal}
        if self.cut_off_by:
            said["cut_off_by"] = self.cut_off_by
        whole = {key: storable(text) for key, text in said.items() if text}
        payload: dict[str, Any] = {key: text[:MAX_LOGGED_CHARACTERS] for key, text in whole.items()}
        cut = {key: len(text) for key, text in whole.items() if len(text) > MAX_LOGGED_CHARACTERS}
        return payload | ({"cut": cut} if cut else {}) | {"usage": self.logged_usage}


class _Vector(_Wire):
    embedding: str | list[float]


class EmbeddingBody(_Counted):
    """One answer of the Embeddings API, in base64 as asked for or as the list that some servers send all the same."""

    data: list[_Vector] = Field(min_length=1)

    def vector(self, dimensions: int) -> list[float]:
        """Return the vector at length 1. Raises ValueError unless it is one, of `dimensions` if that is not 0."""
        given = self.data[0].embedding
        numbers = _floats(given) if isinstance(given, str) else given
        if dimensions not in (0, len(numbers)):
            raise ValueError(f"{len(numbers)} dimensions instead of {dimensions}")
        length = math.sqrt(sum(number * number for number in numbers))
        if not math.isfinite(length) or length == 0:
            raise ValueError("the vector has no direction")
        return [number / length for number in numbers]


def _floats(encoded: str) -> list[float]:
    try:
        raw = base64.b64decode(encoded, validate=True)
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))
    except (binascii.Error, struct.error) as error:
        raise ValueError("the vector is no base64 of floats") from error
