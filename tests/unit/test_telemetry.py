"""What is logged, and what is not."""

import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from shared import services
from shared import settings as app_settings

REQUESTS = "azure.core.pipeline.policies.http_logging_policy"


@pytest.fixture
def worker_logs() -> Iterator[None]:
    """Logging as the platform's worker sets it up: everything from INFO on, of everyone."""
    root, sdks = logging.getLogger(), [logging.getLogger(name) for name in ("azure", "httpx2")]
    before = [(logger, logger.level) for logger in (root, *sdks)]
    root.setLevel(logging.INFO)
    for sdk in sdks:
        sdk.setLevel(logging.NOTSET)
    services.current.cache_clear()
    yield
    services.current.cache_clear()
    for logger, level in before:
        logger.setLevel(level)


@pytest.mark.usefixtures("worker_logs")
def test_sdks_do_not_log_each_request_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    assert logging.getLogger(REQUESTS).isEnabledFor(logging.INFO)
    monkeypatch.setattr(app_settings, "read_settings", SimpleNamespace)
    services.current()
    for name in (REQUESTS, "azure.identity.aio", "azure.cosmos", "httpx2"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger(name).isEnabledFor(logging.WARNING)
    assert logging.getLogger("hub").isEnabledFor(logging.INFO)
