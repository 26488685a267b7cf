"""The change feed of the documents: the latest version of each, in the order of their writing within a feed range."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.errors import HubError
from shared.stores.cosmos import Document, Documents, _classified

if TYPE_CHECKING:
    from azure.cosmos.aio import ContainerProxy

FeedRange = dict[str, Any]  # the SDK's own form, not to be looked into
# Sub-statuses of a 410 that say "come again", not "this token means nothing here": splits, merges, migrations.
PASSING = frozenset({1002, 1007, 1008})


class TokenRefused(HubError):
    """The token is not of this container as it is now: read from the beginning."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Documents in the order of their writing, the token of what follows them, and what reading cost.

    No documents means the end, and its token may still have moved. `charge` is in request units.
    """

    documents: list[Document]
    token: str
    charge: float


@dataclass(frozen=True, slots=True)
class ChangeFeed:
    """Reads pages. Raises Transient for what time may cure."""

    documents: Documents

    async def container_id(self) -> str:
        """Return what tells this container from one of the same name that was made later."""
        with _classified():
            # Not from the client's cache: a container that was made anew is noticed here.
            return str((await self._container().read())["_rid"])

    async def ranges(self, *, afresh: bool = False) -> list[FeedRange]:
        """Return the ranges, one a physical partition, that are the whole feed; `afresh` asks the store itself."""
        with _classified():
            return [dict(each) async for each in self._container().read_feed_ranges(force_refresh=afresh)]

    async def page(self, feed_range: FeedRange, token: str | None, *, size: int) -> FeedPage:
        """Return up to `size` changes behind `token`; without one, from the beginning. Raises TokenRefused."""
        answers: list[Mapping[str, str]] = []
        start = {"continuation": token} if token else {"feed_range": feed_range, "start_time": "Beginning"}
        with _classified(), _refusing(token):
            feed = self._container().query_items_change_feed(
                **start,  # one of the two forms that the SDK knows
                max_item_count=size,
                response_hook=lambda headers, _body: answers.append(headers),
            )
            try:
                documents = [dict(document) async for document in await anext(feed.by_page())]
            except StopAsyncIteration:
                documents = []
        # From the headers of this pager's own last answer, into which the SDK writes its token after the hook. The
        # pager's attribute comes from the client's last header, which may be another request's, and stays behind at
        # the end of the feed.
        charge = sum(float(answer.get("x-ms-request-charge", 0)) for answer in answers)
        return FeedPage(documents, str(answers[-1]["etag"]), charge)

    def _container(self) -> "ContainerProxy":
        return self.documents._container()  # noqa: SLF001 # one client a process: the documents' own


@contextmanager
def _refusing(token: str | None) -> Iterator[None]:
    from azure.cosmos.exceptions import CosmosHttpResponseError

    try:
        yield
    except CosmosHttpResponseError as error:
        gone = error.status_code == HTTPStatus.GONE and error.sub_status not in PASSING
        if token and (gone or error.status_code == HTTPStatus.BAD_REQUEST):
            raise TokenRefused(f"Cosmos DB: {error.status_code}/{error.sub_status}") from error
        raise
    except ValueError as error:
        # The SDK's own check: the token names another container, or is none.
        if token:
            raise TokenRefused("the SDK can't read it") from error
        raise
