"""Fixtures of the tests of paid calls; each test file names it as a plugin."""

import pytest

from tests.integration.model_calls import ModelCalls, MovedClock, settings
from tests.integration.tenant import Tenant
from tests.model_server.server import ModelServer

pytest_plugins = ["tests.integration.tenant_fixtures", "tests.model_server.fixtures"]


@pytest.fixture
def calls(tenant: Tenant, model_server: ModelServer) -> ModelCalls:
    """A new project, its model at the scripted server."""
    clock = MovedClock()
    return ModelCalls(tenant, model_server, tenant.services(clock, **settings(model_server)), clock)
