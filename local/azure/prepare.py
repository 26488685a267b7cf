"""What azd's hooks do between the template and the package."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable

import psycopg
from sqlalchemy.exc import OperationalError as MigrationError

from local import parts
from local.azure import keys
from local.azure.environment import Deployed
from local.parts import Found
from local.trouble import Trouble
from schema.migrate import let_in, prepare_without_passwords
from shared.errors import HubError
from shared.services import Services

REFUSED = "Is your address in HUB_OPERATOR_IP_ADDRESSES? A role that was just given takes minutes to hold."
HEALTH_PATIENCE_SECONDS = 180


def who() -> dict[str, str]:
    """Return who is signed in to the Azure CLI: object id, name and kind, as the template's parameters want them."""
    account = json.loads(_az("account", "show"))["user"]
    if account["type"] == "user":
        user = json.loads(_az("ad", "signed-in-user", "show"))
        return _principal(user["id"], user["userPrincipalName"], "User")
    service = json.loads(_az("ad", "sp", "show", "--id", account["name"]))
    return _principal(service["id"], service["displayName"], "ServicePrincipal")


def database(deployed: Deployed) -> None:
    """Create roles and database where missing, migrate, and let the app's identity in. Raises Trouble."""
    needed, allowed = int(deployed.values["HUB_CONNECTIONS_NEEDED"]), int(deployed.values["HUB_CONNECTIONS_ALLOWED"])
    if needed > allowed:
        raise Trouble(
            f"the app may need {needed} connections, the database lets in {allowed}",
            do="Choose fewer instances, a smaller pool or a larger database: docs/deploy.md, Connections.",
        )
    dsn = deployed.admin_dsn()
    try:
        prepare_without_passwords(dsn, database=deployed.values["HUB_POSTGRES_DATABASE"])
        let_in(dsn, deployed.values["HUB_APP_PRINCIPAL_ID"])
    except psycopg.OperationalError as error:
        raise Trouble(f"the database lets nobody in: {_first_line(error)}", do=REFUSED) from error
    except MigrationError as error:
        raise Trouble(
            f"a migration gave up: {_first_line(error)}", do="What it did is undone: run it again."
        ) from error


def first_key(deployed: Deployed) -> bool:
    """Make the key of secrets at rest unless there is one; says whether it was made."""
    return ask(deployed, keys.make_first_key)


def rotated_key(deployed: Deployed) -> str:
    """Make a new key of secrets at rest and return its id."""
    return ask(deployed, keys.rotate)


def ask(deployed: Deployed, work: Callable[[Services], Awaitable[Found]]) -> Found:
    """Do some work with the app's parts as the operator. Raises Trouble for what the stores refuse."""
    try:
        return parts.ask(deployed.settings, work)
    except HubError as error:
        raise Trouble(f"the stores refuse: {error}", do=REFUSED) from error


def health(base_url: str) -> str:
    """Return what the deployed hub says of its stores, once it is well. Raises Trouble when it does not become so."""
    deadline, said = time.monotonic() + HEALTH_PATIENCE_SECONDS, "no answer"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{base_url}/api/health", timeout=20) as answer:  # noqa: S310 # the hub's own https address
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            said = error.read().decode()[:300]
        except OSError as error:
            said = str(error)
        time.sleep(5)
    raise Trouble(f"the hub is not well: {said}", do="See docs/deploy.md, When it is not well.")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _principal(identifier: str, name: str, kind: str) -> dict[str, str]:
    return {"HUB_PRINCIPAL_ID": identifier, "HUB_PRINCIPAL_NAME": name, "HUB_PRINCIPAL_TYPE": kind}


def _az(*arguments: str) -> str:
    do = "Install the Azure CLI and sign in: az login."
    try:
        done = subprocess.run(["az", *arguments, "--output", "json"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Trouble("there is no az here", do=do) from error
    if done.returncode:
        raise Trouble(f"az {' '.join(arguments)}: {done.stderr.strip()[-300:]}", do=do)
    return done.stdout
