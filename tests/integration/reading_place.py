"""A project alone in a database and a container of its own: what a reader of the feed sees is the test's own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from shared.clock import Clock
from shared.models.documents import InteractionDocument
from shared.services import Services
from shared.stores.feed import ChangeFeed, FeedPage, FeedRange
from shared.sync.position import END, POSITION, Position
from shared.sync.pull import Budget, PullReader
from tests.integration.shop import Document, Shop

SHARED = ("agent_id", "contact_id", "organization_id", "type", "content", "timestamp", "metadata")
Held = dict[str, tuple[dict[str, Any], bool, str]]


@dataclass
class HeldClock:
    """A clock that stands still until it is moved."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.moment


@dataclass(frozen=True)
class Place(Shop):
    """A shop with its own stores; `services` makes the application's parts again, with other settings or a clock."""

    admin: str
    settings: dict[str, str]
    services: Callable[..., Services]
    make_container: Callable[[], None]

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.admin, row_factory=dict_row) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def reader(self, clock: Clock | None = None, feed: ChangeFeed | None = None, **budget: float) -> PullReader:
        """A reader; each is an owner of its own."""
        known = self.hub.pull_reader
        limits = replace(Budget(), **budget)  # type: ignore[arg-type] # named as its fields are
        return replace(known, budget=limits, feed=feed or known.feed, clock=clock or known.clock)

    async def fill(self, count: int, **changed: Any) -> list[Document]:
        """Write documents as another service does."""
        return [await self.write(self.document(**changed)) for _ in range(count)]

    def position(self) -> Position:
        read = Position.read(self.stored()["position"])
        assert read
        return read

    def stored(self) -> dict[str, Any]:
        return self.one(
            "SELECT position, updated_at, xmin::text AS written_by FROM sync_positions WHERE name = %s", POSITION
        )

    def put_position(self, text: str) -> None:
        self.rows("UPDATE sync_positions SET position = %s WHERE name = %s", text, POSITION)

    def forget(self) -> None:
        """Forget how far a reader came."""
        self.rows("DELETE FROM sync_positions WHERE name IN (%s, %s)", POSITION, END)

    def in_postgres(self) -> Held:
        """The project's rows: shared fields, whether deleted, and the ETag."""
        rows = self.rows("SELECT * FROM interactions WHERE project_id = %s", self.id)
        return {
            str(row["id"]): ({name: row[name] for name in SHARED}, row["deleted_at"] is not None, row["source_etag"])
            for row in rows
        }

    async def in_cosmos(self) -> Held:
        """The project's documents, likewise."""
        query = "SELECT * FROM c WHERE c.projectId = @project"
        parameters: list[dict[str, object]] = [{"name": "@project", "value": str(self.id)}]
        found = [dict(each) async for each in self.container.query_items(query, parameters=parameters)]
        return held(found)


def held(documents: Iterable[Document]) -> Held:
    read = [InteractionDocument.read(document) for document in documents]
    return {str(each.id): ({name: getattr(each, name) for name in SHARED}, each.deleted, each.etag) for each in read}


class ScriptedFeed(ChangeFeed):
    """A feed of several ranges whose pages a test writes down: lists of documents, each list one page.

    A token is the number of pages read of its range. `read` tells which range each page was of.
    """

    def __init__(self, **ranges: list[list[Document]]) -> None:
        object.__setattr__(self, "scripts", ranges)
        object.__setattr__(self, "read", [])

    scripts: dict[str, list[list[Document]]]
    read: list[str]

    async def container_id(self) -> str:
        return "scripted"

    async def ranges(self, *, afresh: bool = False) -> list[FeedRange]:
        return [{"name": name} for name in self.scripts]

    async def page(self, feed_range: FeedRange, token: str | None, *, size: int) -> FeedPage:
        name, at = feed_range["name"], int(token or 0)
        self.read.append(name)
        pages = self.scripts[name]
        return FeedPage(pages[at], str(at + 1), 1.0) if at < len(pages) else FeedPage([], str(at), 1.0)
