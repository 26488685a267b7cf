"""A row of an interaction as Postgres holds it."""

import uuid
from datetime import UTC, datetime
from typing import Any

ROW: dict[str, Any] = {
    "project_id": uuid.uuid4(),
    "id": uuid.uuid4(),
    "agent_id": uuid.uuid4(),
    "contact_id": uuid.uuid4(),
    "organization_id": None,
    "type": "email",
    "content": "hello",
    "timestamp": datetime(2024, 5, 28, 10, 20, 30, 5, UTC),
    "metadata": {"a": 1},
    "deleted_at": None,
}
