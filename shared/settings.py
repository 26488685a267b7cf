"""Every setting of the app, read once from the environment; what is missing is named in one error."""

from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import Misconfigured


class Settings(BaseSettings):
    """App settings, in the order of `local.settings.json.example`.

    Storage and Cosmos DB are reached by connection string, or by URI and managed identity: the names are those of
    the Functions host's identity-based connections, so that triggers and code share them.
    """

    model_config = SettingsConfigDict(case_sensitive=True, extra="ignore", frozen=True, populate_by_name=True)

    storage: str | None = Field(None, alias="HubStorage", repr=False)
    storage_blob_uri: str | None = Field(None, alias="HubStorage__blobServiceUri")
    storage_queue_uri: str | None = Field(None, alias="HubStorage__queueServiceUri")
    cosmos: str | None = Field(None, alias="HubCosmos", repr=False)
    cosmos_endpoint: str | None = Field(None, alias="HubCosmos__accountEndpoint")
    identity_client_id: str | None = Field(None, alias="AZURE_CLIENT_ID")
    cosmos_database: str = Field(alias="COSMOS_DATABASE")
    postgres_dsn: str = Field(alias="POSTGRES_DSN", repr=False)
    postgres_pool_size: int = Field(4, alias="POSTGRES_POOL_SIZE", ge=1, le=100)
    postgres_pooled: bool = Field(default=False, alias="POSTGRES_POOLED")
    secret_keys: str | None = Field(None, alias="SECRET_KEYS", repr=False)
    secret_keys_wrapped_by: str | None = Field(None, alias="SECRET_KEYS_WRAPPED_BY")
    public_base_url: str = Field(alias="PUBLIC_BASE_URL")
    ai_provider: Literal["offline", "openai", "auto"] = Field("offline", alias="AI_PROVIDER")
    openai_api_key: str | None = Field(None, alias="OPENAI_API_KEY", repr=False)
    openai_base_url: str | None = Field(None, alias="OPENAI_BASE_URL")
    azure_openai_endpoint: str | None = Field(None, alias="AZURE_OPENAI_ENDPOINT")
    model_message: str = Field("gpt-5.4-mini", alias="MODEL_MESSAGE")
    model_image: str = Field("gpt-5.4-mini", alias="MODEL_IMAGE")
    model_embedding: str = Field("text-embedding-3-small", alias="MODEL_EMBEDDING")
    embedding_dimensions: int = Field(512, alias="EMBEDDING_DIMENSIONS", ge=0, le=4096)
    model_timeout_seconds: float = Field(60, alias="MODEL_TIMEOUT_SECONDS", gt=0, le=240)
    ai_prices_file: str = Field("", alias="AI_PRICES_FILE")
    retry_base_seconds: float = Field(1, alias="RETRY_BASE_SECONDS", gt=0)
    retry_max_seconds: float = Field(900, alias="RETRY_MAX_SECONDS", gt=0)
    source_cache_seconds: float = Field(60, alias="SOURCE_CACHE_SECONDS", ge=0)
    sweep_after_seconds: float = Field(120, alias="SWEEP_AFTER_SECONDS", gt=0)
    tombstone_ttl_seconds: int = Field(2_592_000, alias="TOMBSTONE_TTL_SECONDS", gt=0)
    dead_letter_limit: int = Field(100, alias="DEAD_LETTER_LIMIT", ge=1)
    dead_letter_window_seconds: float = Field(600, alias="DEAD_LETTER_WINDOW_SECONDS", gt=0)
    reconcile_documents: int = Field(20_000, alias="RECONCILE_DOCUMENTS", ge=1)
    reconcile_after_seconds: float = Field(300, alias="RECONCILE_AFTER_SECONDS", ge=0)
    reconcile_refuse_share: float = Field(0.01, alias="RECONCILE_REFUSE_SHARE", ge=0, le=1)
    sweep_inbound_schedule: str = Field(alias="SWEEP_INBOUND_SCHEDULE")
    publish_sources_schedule: str = Field(alias="PUBLISH_SOURCES_SCHEDULE")
    sweep_changes_schedule: str = Field(alias="SWEEP_CHANGES_SCHEDULE")
    reconcile_stores_schedule: str = Field(alias="RECONCILE_STORES_SCHEDULE")
    settle_ai_interactions_schedule: str = Field(alias="SETTLE_AI_INTERACTIONS_SCHEDULE")

    @property
    def model_reachable(self) -> bool:
        """Whether there is a model to ask: what `AI_PROVIDER=auto` decides by."""
        return bool(self.openai_api_key or self.azure_openai_endpoint)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        missing = []
        if not self.storage and not (self.storage_blob_uri and self.storage_queue_uri):
            missing.append("HubStorage (or HubStorage__blobServiceUri and HubStorage__queueServiceUri)")
        if not self.cosmos and not self.cosmos_endpoint:
            missing.append("HubCosmos (or HubCosmos__accountEndpoint)")
        if not self.secret_keys and not self.secret_keys_wrapped_by:
            missing.append("SECRET_KEYS (or SECRET_KEYS_WRAPPED_BY)")
        if self.ai_provider == "openai" and not self.model_reachable:
            missing.append("OPENAI_API_KEY (or AZURE_OPENAI_ENDPOINT), which AI_PROVIDER=openai needs")
        if missing:
            raise ValueError("missing: " + "; ".join(missing))
        return self


def read_settings() -> Settings:
    """Read the environment. Raises Misconfigured with every setting that is missing or wrong."""
    try:
        return Settings()
    except ValidationError as error:
        problems = sorted(
            {_problem(str(item["loc"][0]) if item["loc"] else "", item["msg"]) for item in error.errors()}
        )
        raise Misconfigured("settings: " + "; ".join(problems)) from None


def _problem(name: str, message: str) -> str:
    # The value is left out on purpose: it may be a secret.
    return f"{name}: {message}" if name else message.removeprefix("Value error, ")
