import os
import subprocess
from collections.abc import Callable, Mapping, Sequence

from local import terminal
from local.trouble import Trouble

USAGE = "Use ./dev azure who | prepare | package | health | rotate-key; azd's hooks do the first four."


def main(argv: Sequence[str]) -> int:
    """Do a step of a deployment to Azure."""
    steps: Mapping[str, Callable[[], None]] = {
        "who": _who,
        "prepare": _prepare,
        "package": _package,
        "health": _health,
        "rotate-key": _rotate_key,
    }
    if len(argv) != 1 or argv[0] not in steps:
        raise Trouble(f"can't understand {' '.join(argv)!r}", do=USAGE)
    steps[argv[0]]()
    return 0


def _who() -> None:
    """Tell azd who administers the database, unless it was told."""
    from local.azure.prepare import who

    if os.environ.get("HUB_PRINCIPAL_ID"):
        return
    for name, value in who().items():
        subprocess.run(["azd", "env", "set", name, value], check=True)


def _prepare() -> None:
    from local.azure import prepare
    from local.azure.environment import deployed

    hub = deployed()
    with terminal.step("Database: roles, schema, the app's identity"):
        prepare.database(hub)
    with terminal.step("Key of secrets at rest"):
        prepare.first_key(hub)


def _package() -> None:
    from local.azure.package import build

    with terminal.step("Package"):
        said = build()
    print(said)


def _health() -> None:
    from local.azure.environment import deployed
    from local.azure.prepare import health

    print(health(deployed().values["HUB_BASE_URL"]))


def _rotate_key() -> None:
    from local.azure.environment import deployed
    from local.azure.prepare import rotated_key

    print(f"Secrets are sealed with key {rotated_key(deployed())} from now on; older keys open what they sealed.")
