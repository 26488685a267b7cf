"""What an analysis of one message or one image says. The same models hold for every engine."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Intent = Literal[
    "question", "complaint", "request", "order", "cancellation", "refund", "appointment", "appraisal",
    "sales", "support", "feedback", "thanks", "newsletter", "auto_reply", "other",
]  # fmt: skip
Category = Literal[
    "sales", "support", "billing", "delivery", "account", "appraisal", "scheduling", "marketing", "other"
]
Priority = Literal["low", "normal", "high", "urgent"]
SentimentLabel = Literal["negative", "neutral", "positive", "unknown"]
EntityType = Literal[
    "email", "phone", "url", "date", "amount", "order", "ticket", "person", "organization", "place", "product"
]
ContextType = Literal["appraisal", "sales", "support", "preference", "commitment", "profile"]
Risk = Literal[
    "instructions", "hidden_text", "cut_text", "phishing", "payment_change", "legal_threat", "churn", "safety", "abuse",
]  # fmt: skip

Short = Annotated[str, Field(max_length=200)]
Offset = Annotated[int, Field(ge=0, description="counts code points of the message")]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class Classification(_Answer):
    """What the message is about and how soon it wants an answer."""

    intent: Intent
    category: Category
    priority: Priority
    language: Annotated[str, Field(pattern=r"^([a-z]{2}|unknown)$", description="ISO 639-1 code, or `unknown`")]


class Sentiment(_Answer):
    """How the writer feels: `score` from -1 (angry) to 1 (delighted); `unknown` comes with score 0."""

    label: SentimentLabel
    score: Annotated[float, Field(ge=-1, le=1)]


class Entity(_Answer):
    """Something named in the text; `value` is normalised (E.164, ISO 8601, `12.50 EUR`), `start`/`end` are offsets."""

    type: EntityType
    text: Short
    value: Short
    start: Offset
    end: Offset


class ContextFact(_Answer):
    """A fact worth keeping about the contact; `quote` stands verbatim in the message, from `start` to `end`."""

    type: ContextType
    fact: Annotated[str, Field(max_length=500)]
    quote: Annotated[str, Field(max_length=500)]
    start: Offset
    end: Offset


class Promise(_Answer):
    """What somebody said will be done: the writer, or the reader as the writer recalls it; `due` where a day is said.

    `quote` stands verbatim in the message, from `start` to `end`.
    """

    by: Literal["writer", "reader"]
    what: Annotated[str, Field(max_length=500)]
    due: Annotated[date | None, Field(description="ISO 8601 date, null where no day is said")]
    quote: Annotated[str, Field(max_length=500)]
    start: Offset
    end: Offset


class MessageAnalysis(_Answer):
    """Everything one analysis says about one message.

    `risks` are what a person should know before trusting the message: `hidden_text` and `cut_text` are measured, never
    believed of an engine.
    """

    classification: Classification
    sentiment: Sentiment
    entities: Annotated[list[Entity], Field(max_length=50)]
    summary: Annotated[str, Field(max_length=1000)]
    topics: Annotated[list[Short], Field(max_length=10)]
    promises: Annotated[list[Promise], Field(max_length=10)]
    facts: Annotated[list[ContextFact], Field(max_length=20)]
    tags: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=20)]
    risks: Annotated[list[Risk], Field(max_length=9)]


class ImageAnalysis(_Answer):
    """What one image shows. `description` may be all an engine can say beside the measured facts."""

    format: Annotated[str, Field(max_length=20)]
    width: Annotated[int, Field(ge=1, description="pixels")]
    height: Annotated[int, Field(ge=1, description="pixels")]
    kind: Literal["photo", "document", "graphic", "unknown"]
    description: Annotated[str, Field(max_length=2000)]
    text: Annotated[
        str, Field(max_length=10_000, description="text found in the image, empty when none or not looked for")
    ]
    objects: Annotated[list[Short], Field(max_length=30)]
    colors: Annotated[list[Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]], Field(max_length=5)]
