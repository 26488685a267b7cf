from collections.abc import Mapping

from local.stack.azurite import Azurite
from local.stack.cosmos import Cosmos
from local.stack.ports import LOOPBACK
from local.stack.postgres import Postgres
from local.stack.secrets import Secrets

DATABASE = "hub"
DEFAULTS: Mapping[str, str] = {
    "COSMOS_DATABASE": DATABASE,
    "AI_PROVIDER": "offline",
    "RETRY_BASE_SECONDS": "1",
    "RETRY_MAX_SECONDS": "900",
    "SOURCE_CACHE_SECONDS": "60",
    "SWEEP_AFTER_SECONDS": "120",
    "SWEEP_INBOUND_SCHEDULE": "0 * * * * *",
    "PUBLISH_SOURCES_SCHEDULE": "30 * * * * *",
    "SWEEP_CHANGES_SCHEDULE": "15 * * * * *",
    "RECONCILE_STORES_SCHEDULE": "45 */15 * * * *",
    "SETTLE_AI_INTERACTIONS_SCHEDULE": "20 */5 * * * *",
}


def app_settings(
    postgres: Postgres, azurite: Azurite, cosmos: Cosmos, secrets: Secrets, *, host_port: int
) -> dict[str, str]:
    """The app settings, by name, that make the application use this stack."""
    return {
        **DEFAULTS,
        "HubStorage": azurite.connection_string,
        "HubCosmos": cosmos.connection_string,
        "POSTGRES_DSN": postgres.dsn(DATABASE, user="hub_app", password=secrets.hub_app),
        "SECRET_KEYS": secrets.secret_keys,
        "PUBLIC_BASE_URL": f"http://{LOOPBACK}:{host_port}",
        "LOCAL_HOST_FUNCTION_KEY": secrets.function_key,
        "LOCAL_HOST_MASTER_KEY": secrets.master_key,
    }
