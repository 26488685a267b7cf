import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.ai.providers.offline import OfflineProvider, embedding, message

TUESDAY = datetime(2024, 3, 5, 10, tzinfo=UTC)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads the work was done in."""
    seen: list[threading.Thread] = []

    def watched(work: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            seen.append(threading.current_thread())
            return work(*args, **kwargs)

        return run

    monkeypatch.setattr(message, "analyse", watched(message.analyse))
    monkeypatch.setattr(embedding, "embed", watched(embedding.embed))
    return seen


async def test_the_event_loop_is_never_kept_busy(threads: list[threading.Thread]) -> None:
    provider = OfflineProvider()

    await provider.analyze_message("Where is my order?", subject="", sent_at=TUESDAY)
    await provider.embed("Where is my order?")

    assert len(threads) == 2
    assert threading.current_thread() not in threads


async def test_rules_run_one_message_at_a_time_for_all_providers(threads: list[threading.Thread]) -> None:
    texts = [f"Please refund order {number} by 12 March." for number in range(1000, 1016)]
    calls = [OfflineProvider().analyze_message(text, subject="", sent_at=TUESDAY) for text in texts]

    answers = await asyncio.gather(*calls)

    assert len(set(threads)) == 1
    assert [each.value.entities[0].value for each in answers] == [str(number) for number in range(1000, 1016)]
