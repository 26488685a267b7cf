"""What servers call tokens, in the words of each API that compatible ones borrow from, as disjoint classes.

Sources: OpenAI's API reference (`responses`, `chat/completions`, `embeddings`): cached, written and image tokens are
part of the input, reasoning is part of the output. Anthropic's Messages API: cache tokens come on top of the input.
Gemini behind its OpenAI interface: thinking is in the total and in nothing else.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from shared.ai.usage import Usage

# No call takes more; what a server says beyond it is no count.
MAX_TOKENS = 1_000_000_000


def _count(said: Any) -> int | None:  # any JSON value
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return int(said) if 0 <= said <= MAX_TOKENS else None


Count = Annotated[int | None, BeforeValidator(_count)]


class _Details(BaseModel):
    model_config = ConfigDict(extra="ignore", defer_build=True)

    cached_tokens: Count = None
    cache_write_tokens: Count = None
    image_tokens: Count = None
    reasoning_tokens: Count = None


def counted_or_none(said: Any) -> Any:  # any JSON value
    """Return an object as it is, None for what is none: an answer is worth more than its count."""
    return said if isinstance(said, dict | BaseModel) else None


Details = Annotated[_Details | None, BeforeValidator(counted_or_none)]


class TokenCounts(BaseModel):
    """What was used, in the words of whichever API; what is no count is left out."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    input_tokens: Count = None
    output_tokens: Count = None
    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    input_tokens_details: Details = None
    output_tokens_details: Details = None
    prompt_tokens_details: Details = None
    completion_tokens_details: Details = None

    def classes(self) -> Usage:
        """Return the counts as classes that sum up to the total, where the server's own numbers do."""
        read = self.prompt_tokens if self.input_tokens is None else self.input_tokens
        written = self.completion_tokens if self.output_tokens is None else self.output_tokens
        if read is None and written is None:
            return Usage()
        read, written = read or 0, written or 0
        inside = self.input_tokens_details or self.prompt_tokens_details or _Details()
        cached = inside.cached_tokens or self.cache_read_input_tokens or 0
        stored = inside.cache_write_tokens or self.cache_creation_input_tokens or 0
        beside = (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        if beside and self.total_tokens != read + written:
            read += beside
        cached = min(cached, read)
        stored = min(stored, read - cached)
        image = min(inside.image_tokens or 0, read - cached - stored)
        answer, thought = self._written(read, written)
        return Usage(read - cached - stored - image, cached, stored, image, answer, thought)

    def _written(self, read: int, written: int) -> tuple[int, int]:
        details = self.output_tokens_details or self.completion_tokens_details or _Details()
        thought = details.reasoning_tokens or 0
        beside = max(0, (self.total_tokens or 0) - read - written)
        if beside and thought in (0, beside):
            return written, beside
        thought = min(thought, written)
        return written - thought, thought + beside
