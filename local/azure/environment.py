"""The deployed hub as its operator reaches it: what azd knows of it, and the operator's own token."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from local.stack.settings import DEFAULTS
from local.trouble import Trouble

WANTED = (
    "HUB_PRINCIPAL_NAME",
    "HUB_APP_PRINCIPAL_ID",
    "HUB_BASE_URL",
    "HUB_BLOB_SERVICE_URI",
    "HUB_QUEUE_SERVICE_URI",
    "HUB_COSMOS_ENDPOINT",
    "HUB_POSTGRES_HOST",
    "HUB_POSTGRES_DATABASE",
    "HUB_KEY_URI",
    "HUB_CONNECTIONS_NEEDED",
    "HUB_CONNECTIONS_ALLOWED",
)
PROVISION = "Run azd provision, or azd env select the environment that is."


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the template told of itself, by the names of its outputs."""

    values: Mapping[str, str]

    @property
    def settings(self) -> dict[str, str]:
        """Return app settings with which the parts of the app work here, as the operator."""
        from psycopg.conninfo import make_conninfo

        values = self.values
        return {
            **DEFAULTS,
            "HubStorage__blobServiceUri": values["HUB_BLOB_SERVICE_URI"],
            "HubStorage__queueServiceUri": values["HUB_QUEUE_SERVICE_URI"],
            "HubCosmos__accountEndpoint": values["HUB_COSMOS_ENDPOINT"],
            "POSTGRES_DSN": make_conninfo("", **self._postgres(values["HUB_POSTGRES_DATABASE"])),
            "SECRET_KEYS_WRAPPED_BY": values["HUB_KEY_URI"],
            "PUBLIC_BASE_URL": values["HUB_BASE_URL"],
        }

    def admin_dsn(self, database: str = "postgres") -> str:
        """Return the administrator's connection string, with a token that is good for an hour. Raises Trouble."""
        import certifi
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import DefaultAzureCredential
        from psycopg.conninfo import make_conninfo

        from shared.stores.postgres_login import SCOPE

        try:
            with DefaultAzureCredential() as credential:
                token = credential.get_token(SCOPE).token
        except ClientAuthenticationError as error:
            raise Trouble("there is no token for the database", do="Sign in: az login.") from error
        return make_conninfo("", **self._postgres(database), password=token, sslrootcert=certifi.where())

    def _postgres(self, database: str) -> dict[str, str]:
        # Not through PgBouncer: roles are taken, and migrations run, for a whole connection.
        return {
            "host": self.values["HUB_POSTGRES_HOST"],
            "port": "5432",
            "dbname": database,
            "user": self.values["HUB_PRINCIPAL_NAME"],
            "sslmode": "verify-full",
            "connect_timeout": "15",
        }


def deployed() -> Deployed:
    """Return the hub of azd's selected environment. Raises Trouble when there is none."""
    # azd gives its hooks every value as an environment variable.
    values = dict(os.environ) if "HUB_KEY_URI" in os.environ else parsed(_azd("env", "get-values"))
    missing = [name for name in WANTED if not values.get(name)]
    if missing:
        raise Trouble(f"azd does not know {', '.join(missing)}", do=PROVISION)
    return Deployed({name: values[name] for name in WANTED})


def parsed(text: str) -> dict[str, str]:
    """Read what `azd env get-values` prints: NAME="value" a line."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip('"').replace('\\"', '"') for name, value in pairs}


def _azd(*arguments: str) -> str:
    try:
        done = subprocess.run(["azd", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Trouble("there is no azd here", do="Install the Azure Developer CLI: docs/deploy.md.") from error
    if done.returncode:
        raise Trouble(f"azd {' '.join(arguments)}: {done.stderr.strip()[-300:]}", do=PROVISION)
    return done.stdout
