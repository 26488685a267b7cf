"""Corrections as somebody who calls the API sees them."""

import json
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from functions.interactions import correct_interaction, get_interaction
from shared.stores.postgres import Row
from tests.integration.shop import Document, Shop

MERGE_PATCH = "application/merge-patch+json"


@dataclass
class Said:
    """What an HTTP call got."""

    status: int
    body: dict[str, Any]
    etag: str | None

    @property
    def problem(self) -> tuple[int, str | None]:
        return self.status, self.body.get("field")


async def call(
    function: Any, shop: Shop, identifier: object, body: bytes = b"", headers: dict[str, str] | None = None
) -> Said:
    request = func.HttpRequest(
        "PATCH",
        "/",
        headers={"x-project-id": str(shop.id)} | (headers or {}),
        route_params={"id": str(identifier)},
        body=body,
    )
    answer = await function._function.get_user_function()(request)
    raw = answer.get_body()
    return Said(answer.status_code, json.loads(raw) if raw else {}, answer.headers.get("ETag"))


async def get(shop: Shop, identifier: object) -> Said:
    return await call(get_interaction, shop, identifier)


async def patch(
    shop: Shop, identifier: object, body: object, etag: str | None, *, content_type: str = MERGE_PATCH
) -> Said:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": content_type} | ({"if-match": etag} if etag is not None else {})
    return await call(correct_interaction, shop, identifier, raw, headers)


async def seen(shop: Shop, **changed: Any) -> tuple[Row, str]:
    """Store a mail, let its document reach Postgres, and return its row and the ETag that a reader is given."""
    row = await shop.store(**changed)
    await shop.hub.sync.apply_changes([await read(shop, row)])
    etag = (await get(shop, row["id"])).etag
    assert etag
    return row, etag


async def read(shop: Shop, row: Row) -> Document:
    document = await shop.hub.documents.read(str(row["id"]), str(row["contact_id"]))
    assert document is not None
    return document
