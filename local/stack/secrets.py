import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path


def _password() -> str:
    return secrets.token_urlsafe(24)


def _data_key() -> str:
    return f"local1:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _account_key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a state directory's data can only be used with; made once, kept in a file only its owner reads."""

    postgres_superuser: str
    hub_owner: str
    hub_app: str
    secret_keys: str
    cosmos_key: str
    function_key: str
    master_key: str

    def roles(self) -> dict[str, str]:
        """The password of each role in Postgres that may log in."""
        return {"hub_owner": self.hub_owner, "hub_app": self.hub_app}


_MADE: Mapping[str, Callable[[], str]] = {"secret_keys": _data_key, "cosmos_key": _account_key}


def load_secrets(file: Path) -> Secrets:
    """Read the secrets kept in `file`; what is missing is made and kept there."""
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    found = Secrets(
        **{field.name: kept.get(field.name) or _MADE.get(field.name, _password)() for field in fields(Secrets)}
    )
    if asdict(found) != kept:
        write_private(file, json.dumps(asdict(found), indent=2))
    return found


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    building = file.with_name(f"{file.name}.new")
    building.unlink(missing_ok=True)
    descriptor = os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        output.write(text)
    building.replace(file)
