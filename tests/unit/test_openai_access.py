"""Which model the app asks, and as whom."""

import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.ai.providers import openai_client
from shared.ai.providers.offline import OfflineProvider
from shared.ai.providers.openai_client import ModelAccess, open_client
from shared.ai.providers.openai_responses import OpenAIProvider
from shared.clock import SystemClock
from shared.errors import Misconfigured, Transient
from shared.services import Services
from shared.settings import Settings, read_settings
from tests.model_server.server import ModelServer

pytest_plugins = ["tests.model_server.fixtures"]

BASE = {
    "HubStorage": "UseDevelopmentStorage=true",
    "HubCosmos": "AccountEndpoint=http://127.0.0.1:1/;AccountKey=a2V5;",
    "COSMOS_DATABASE": "hub",
    "POSTGRES_DSN": "",
    "SECRET_KEYS": "local1:a2V5",
    "PUBLIC_BASE_URL": "",
    "SWEEP_INBOUND_SCHEDULE": "",
    "PUBLISH_SOURCES_SCHEDULE": "",
    "SWEEP_CHANGES_SCHEDULE": "",
    "RECONCILE_STORES_SCHEDULE": "",
    "SETTLE_AI_INTERACTIONS_SCHEDULE": "",
}
SCOPE = "https://cognitiveservices.azure.com/.default"


class Credential:
    """An identity that counts its tokens, or has none to give."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.asked: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked.extend(scopes)
        if self.token is None:
            raise ClientAuthenticationError("no identity here")
        return AccessToken(self.token, int(time.time()) + 3600)


def access(**changed: Any) -> ModelAccess:
    values: dict[str, Any] = {
        "api_key": "sk-secret",
        "base_url": None,
        "azure_endpoint": None,
        "identity_client_id": None,
        "message_model": "m",
        "image_model": "i",
        "embedding_model": "e",
        "dimensions": 8,
        "timeout_seconds": 5,
    }
    return ModelAccess(**values | changed)


def provider_with(**values: str) -> object:
    return Services(Settings(**BASE | values))._provider()  # type: ignore[arg-type] # texts, as in the environment


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without a way to a model."""
    for name in ("AI_PROVIDER", "OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"AI_PROVIDER": "offline", "OPENAI_API_KEY": "k"},
        {"AI_PROVIDER": "auto"},
        {"AI_PROVIDER": "auto", "OPENAI_API_KEY": ""},
    ],
)
def test_rules_answer_unless_a_model_is_chosen_and_can_be_reached(values: dict[str, str]) -> None:
    assert isinstance(provider_with(**values), OfflineProvider)


@pytest.mark.parametrize("name", ["openai", "auto"])
@pytest.mark.parametrize("way", ["OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"])
def test_a_model_that_can_be_reached_is_asked_by_the_names_of_the_settings(name: str, way: str) -> None:
    models = {"MODEL_MESSAGE": "a", "MODEL_IMAGE": "b", "MODEL_EMBEDDING": "c", "EMBEDDING_DIMENSIONS": "64"}
    provider = provider_with(AI_PROVIDER=name, MODEL_TIMEOUT_SECONDS="9", **{way: "x"}, **models)
    assert isinstance(provider, OpenAIProvider)
    found = provider.access
    assert (found.message_model, found.image_model, found.embedding_model) == ("a", "b", "c")
    assert (found.dimensions, found.timeout_seconds) == (64, 9)


@pytest.mark.parametrize(
    ("values", "named"),
    [({"AI_PROVIDER": "openai"}, "OPENAI_API_KEY"), ({"AI_PROVIDER": "oracle"}, "AI_PROVIDER")],
)
def test_a_model_without_a_way_to_it_is_told_at_start(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], named: str
) -> None:
    for name, value in (BASE | values).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=named):
        read_settings()


def test_a_key_is_never_shown() -> None:
    settings = Settings(**BASE, OPENAI_API_KEY="sk-secret")  # type: ignore[arg-type] # texts, as in the environment
    assert "sk-secret" not in repr(settings)
    assert "sk-secret" not in repr(access())


async def test_a_key_goes_to_openai_or_to_the_address_that_is_set() -> None:
    for base_url, expected in (
        (None, "https://api.openai.com/v1/"),
        ("http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1/"),
    ):
        client = open_client(access(base_url=base_url))
        assert (str(client.base_url), client.api_key, client.max_retries) == (expected, "sk-secret", 0)
        await client.close()


async def test_in_azure_the_apps_identity_is_the_key_and_no_other_key_is_sent(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = Credential(model_server.key)
    monkeypatch.setattr(openai_client, "identity", lambda _: credential)
    client = open_client(access(azure_endpoint="https://us.openai.azure.com/"))
    assert str(client.base_url) == "https://us.openai.azure.com/openai/v1/"
    await client.close()

    client = open_client(access(azure_endpoint="https://unused")).with_options(base_url=model_server.base_url)
    await client.embeddings.create(model="e", input="x", dimensions=8)
    assert credential.asked == [SCOPE]
    await client.close()


async def test_an_identity_that_gets_no_token_is_tried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_client, "identity", lambda _: Credential(None))
    provider = OpenAIProvider(access(azure_endpoint="https://us.openai.azure.com"), SystemClock())
    with pytest.raises(Transient, match="no token"):
        await provider.embed("x")
    await provider.close()
