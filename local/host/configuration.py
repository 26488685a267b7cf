"""What the host reads before it runs anything: app settings, `host.json` and its own options."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import Misconfigured

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,7})?)")
_REFERENCE = re.compile(r"%([^%\s]+)%")


def time_span(value: object) -> timedelta:
    """Return a .NET TimeSpan, `[d.]hh:mm:ss[.fff]`, as a timedelta; ValueError when it is none."""
    if isinstance(value, timedelta):
        return value
    match = _TIME_SPAN.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is no time span ([d.]hh:mm:ss[.fff])")
    days, hours, minutes, seconds = match.groups()
    return timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


TimeSpan = Annotated[timedelta, BeforeValidator(time_span)]


class _HostJsonPart(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class HttpOptions(_HostJsonPart):
    """`extensions.http` of host.json."""

    route_prefix: str = "api"


class QueueOptions(_HostJsonPart):
    """`extensions.queues` of host.json; defaults of Storage.Queues 5.x (QueuesOptions.cs) on one core."""

    batch_size: Annotated[int, Field(ge=1, le=32)] = 16
    new_batch_threshold: Annotated[int | None, Field(ge=0)] = None
    max_dequeue_count: Annotated[int, Field(ge=1)] = 5
    visibility_timeout: TimeSpan = timedelta(0)
    max_polling_interval: TimeSpan = timedelta(minutes=1)
    message_encoding: Literal["base64", "none"] = "base64"

    @property
    def threshold(self) -> int:
        """How many running messages of a queue still allow the next batch to be fetched."""
        return self.batch_size // 2 if self.new_batch_threshold is None else self.new_batch_threshold


class Extensions(_HostJsonPart):
    """`extensions` of host.json, the parts this host has."""

    http: HttpOptions = HttpOptions()
    queues: QueueOptions = QueueOptions()


class HostJson(_HostJsonPart):
    """`host.json`; other keys are for Azure only and ignored here."""

    version: Literal["2.0"]
    function_timeout: TimeSpan = timedelta(minutes=30)
    extensions: Extensions = Extensions()


class HostOptions(BaseSettings):
    """What only this host knows, from `LOCAL_HOST_*`. Times have the real host's defaults; tests shorten them.

    An unset key refuses every call that needs it: an empty secret is never an open door. `only_http` leaves queues,
    feeds and timers alone, so that what was accepted waits.
    """

    model_config = SettingsConfigDict(env_prefix="LOCAL_HOST_", env_ignore_empty=True, frozen=True, extra="ignore")

    function_key: str = ""
    master_key: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_body_bytes: Annotated[int, Field(ge=0)] = 100 * 1024 * 1024
    only_http: bool = False
    drain_seconds: Annotated[float, Field(ge=0)] = 10
    queue_lease_seconds: Annotated[int, Field(ge=1)] = 600
    queue_poll_seconds: Annotated[float | None, Field(gt=0)] = None
    feed_poll_seconds: Annotated[float | None, Field(gt=0)] = None
    lease_acquire_seconds: Annotated[float | None, Field(gt=0)] = None
    lease_renew_seconds: Annotated[float | None, Field(gt=0)] = None
    lease_expiry_seconds: Annotated[float | None, Field(gt=0)] = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service that is entered with a token of the identity `client_id`."""

    uri: str
    client_id: str | None


def load_host_json(root: Path) -> HostJson:
    """Read `host.json` of the app; Misconfigured names the key that is wrong."""
    path = root / "host.json"
    try:
        return HostJson.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise Misconfigured(f"{path} is missing") from error
    except ValidationError as error:
        raise Misconfigured(f"{path}: {_first(error)}") from error


def load_options() -> HostOptions:
    """Read `LOCAL_HOST_*` from the environment; Misconfigured names the variable that is wrong."""
    try:
        return HostOptions()
    except ValidationError as error:
        raise Misconfigured(f"LOCAL_HOST_ setting {_first(error)}") from error


def load_settings(path: Path) -> dict[str, str]:
    """Read the `Values` of a local.settings.json; Misconfigured when it is not one."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"settings file {path}: {error.strerror}") from error
    except ValueError as error:
        raise Misconfigured(f"settings file {path} is no JSON: {error}") from error
    values = document.get("Values") if isinstance(document, dict) else None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise Misconfigured(f'settings file {path} needs "Values", an object of strings')
    if document.get("IsEncrypted"):
        raise Misconfigured(f"settings file {path} is encrypted; decrypt it first")
    return values


def apply_settings(values: Mapping[str, str]) -> None:
    """Put app settings into the environment; what the environment already has wins, as in the real tools."""
    for name, value in values.items():
        os.environ.setdefault(name, value)


def resolve(text: str) -> str:
    """Return `text` with each `%NAME%` replaced by that app setting; Misconfigured names a missing one."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if not found:
            raise Misconfigured(f"app setting {match[1]} is missing (used as %{match[1]}%)")
        return found

    return _REFERENCE.sub(value, text)


def connection(name: str, endpoint: str) -> "str | Endpoint":
    """Return the connection string in app setting `name`, or where the identity of the app enters instead of it.

    As in Azure: `NAME` wins, else `NAME__<endpoint>`, with the identity `NAME__clientId`.
    """
    address = os.environ.get(f"{name}__{endpoint}")
    if os.environ.get(name) or not address:
        return connection_string(name)
    return Endpoint(address, os.environ.get(f"{name}__clientId"))


def check_connection(name: str) -> None:
    """Raise Misconfigured unless app setting `name`, or one of an identity-based connection of that name, is set."""
    if not any(each.startswith(f"{name}__") and value for each, value in os.environ.items()):
        connection_string(name)


def connection_string(name: str) -> str:
    """Return the connection string in app setting `name`; Misconfigured when it is missing or empty."""
    found = os.environ.get(name)
    if not found:
        raise Misconfigured(f"connection setting {name} is missing")
    return found


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
