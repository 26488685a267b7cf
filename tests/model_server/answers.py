"""What a sensible model would say, by the offline rules."""

import asyncio
import base64
import json
import struct
from datetime import datetime
from math import sqrt
from typing import Any

from shared.ai.images import inspect
from shared.ai.providers.offline import OfflineProvider
from shared.ai.providers.offline.embedding import embed

Json = dict[str, Any]


async def message_analysis(content: Any) -> Json:
    """Return a MessageAnalysis; the offsets are as wrong as a model's."""
    given = json.loads(content)
    sent_at = datetime.fromisoformat(given["sent_at"])
    answer = await OfflineProvider().analyze_message(given["text"], subject=given["subject"], sent_at=sent_at)
    said = answer.value.model_dump(mode="json")
    for entity in said["entities"]:
        entity |= {"start": 0, "end": 0}
    return said


async def image_reading(content: Any) -> Json:
    """Return an ImageReading of the data URL; its measured size is that of what was sent."""
    url = next(part["image_url"] for part in content if part["type"] == "input_image")
    facts = await asyncio.to_thread(inspect, base64.b64decode(url.partition(",")[2]))
    return {"kind": facts.kind, "description": facts.description, "text": "", "objects": [facts.kind]}


def embedding(text: str, dimensions: int, *, as_text: bool) -> str | list[float]:
    """Return the offline vector folded or stretched to `dimensions`, in base64 or as numbers."""
    folded = [0.0] * dimensions
    for index, number in enumerate(embed(text)):
        folded[index % dimensions] += number
    length = sqrt(sum(number * number for number in folded)) or 1.0
    vector = [number / length for number in folded]
    return base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode() if as_text else vector
