"""Tokens by class. The classes are disjoint: their sum is what the call took."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the engine counted them; all `None` where it counts none.

    `input_tokens` are those of text that no cache held, `output_tokens` those of the answer without its reasoning.
    """

    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    image_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None

    def classes(self) -> tuple[int | None, ...]:
        """Return the counts, in the order of the fields."""
        return (
            self.input_tokens,
            self.cached_tokens,
            self.cache_write_tokens,
            self.image_tokens,
            self.output_tokens,
            self.reasoning_tokens,
        )

    @property
    def read_tokens(self) -> int | None:
        """Everything the model read, None when nothing was counted."""
        return _sum(self.classes()[:4])

    @property
    def written_tokens(self) -> int | None:
        """Everything the model wrote, None when nothing was counted."""
        return _sum(self.classes()[4:])

    @property
    def total_tokens(self) -> int | None:
        """The sum of the classes, None when nothing was counted."""
        return _sum(self.classes())


def _sum(counts: tuple[int | None, ...]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
