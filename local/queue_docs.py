"""`python -m local.queue_docs`: write the JSON Schemas of the public queue messages into docs/queues.md."""

import json
import re
from collections.abc import Mapping

from pydantic import BaseModel

from local.checkout import CHECKOUT
from shared.models.external import ExternalMessage
from shared.models.work import AskedAttachment, AskedMessage

PAGE = CHECKOUT / "docs" / "queues.md"
PUBLIC: Mapping[str, type[BaseModel]] = {
    "external-messages": ExternalMessage,
    "message-analysis": AskedMessage,
    "attachment-analysis": AskedAttachment,
}
_DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def schema(queue: str) -> dict[str, object]:
    """Return the JSON Schema of what a queue takes."""
    return _DIALECT | PUBLIC[queue].model_json_schema()


def renewed(page: str) -> str:
    """Return the page with every schema as the code has it: the block below `<!-- schema: QUEUE -->`."""

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}```json\n{json.dumps(schema(found[2]), indent=2)}\n```"

    return re.sub(r"(<!-- schema: ([a-z-]+) -->\n)```json\n.*?```", block, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
