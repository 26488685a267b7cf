"""Raw deliveries in Blob: the proof behind every 2xx, by hour so that a sweep can find what was left behind."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from uuid import UUID

HOUR = "%Y-%m-%d-%H"


@dataclass(frozen=True, slots=True)
class RawName:
    """The parts of a raw delivery's blob name: `{yyyy-mm-dd-hh}/{project}/{source}/{delivery}`."""

    hour: str
    project_id: UUID
    source_id: UUID
    delivery_id: UUID

    def __str__(self) -> str:
        return f"{self.hour}/{self.project_id}/{self.source_id}/{self.delivery_id}"

    @classmethod
    def parse(cls, name: str) -> "RawName | None":
        """Return the parts of a name, or None for a blob that is no raw delivery."""
        try:
            hour, project, source, delivery = name.split("/")
            datetime.strptime(hour, HOUR)  # noqa: DTZ007 # only its form counts
            return cls(hour, UUID(project), UUID(source), UUID(delivery))
        except ValueError:
            return None


def hour_of(moment: datetime) -> str:
    """Return the folder of a moment."""
    return moment.astimezone(UTC).strftime(HOUR)


def to_metadata(received_at: datetime, delivery_key: str) -> dict[str, str]:
    """Return what parsing needs beside the bytes; quoted, because metadata travels in headers."""
    return {"received_at": received_at.isoformat(), "delivery_key": quote(delivery_key, safe="")}


def from_metadata(metadata: dict[str, str]) -> tuple[datetime, str]:
    """Return receipt and delivery key as `to_metadata` wrote them."""
    return datetime.fromisoformat(metadata["received_at"]), unquote(metadata["delivery_key"])
