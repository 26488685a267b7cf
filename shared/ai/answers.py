"""What a model is asked for where that is not the whole analysis."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.ai.images import ImageFacts
from shared.models.analysis import ImageAnalysis, Short


class ImageReading(BaseModel):
    """What has to be seen of an image; its size, format and colours are measured."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    kind: Literal["photo", "document", "graphic", "unknown"]
    description: Annotated[str, Field(max_length=2000)]
    text: Annotated[str, Field(max_length=10_000, description="the words in the image, empty when there are none")]
    objects: Annotated[list[Short], Field(max_length=30)]

    def with_facts(self, facts: ImageFacts) -> ImageAnalysis:
        """Return the whole analysis."""
        return ImageAnalysis(
            format=facts.format,
            width=facts.width,
            height=facts.height,
            colors=list(facts.colors),
            kind=self.kind,
            description=self.description,
            text=self.text,
            objects=self.objects,
        )
