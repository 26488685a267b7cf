"""Fixtures of the tests that talk to a model; each test file names this module as a plugin."""

from collections.abc import AsyncIterator

import pytest

from shared.ai.providers.openai_responses import OpenAIProvider
from shared.clock import SystemClock
from tests.model_server.access import access
from tests.model_server.server import ModelServer


@pytest.fixture
async def model_server() -> AsyncIterator[ModelServer]:
    """A scripted server of this test alone."""
    server = ModelServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def openai_provider(model_server: ModelServer) -> AsyncIterator[OpenAIProvider]:
    """The provider at the scripted server."""
    provider = OpenAIProvider(access(model_server), SystemClock())
    yield provider
    await provider.close()
