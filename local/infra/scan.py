"""checkov over infra/, in an environment of its own: its pins would hold back ours."""

import json
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.checkout import CHECKOUT, STATE
from local.infra.policy import Finding
from local.trouble import Trouble

ENVIRONMENT = STATE / "check-infra"
REQUIREMENTS = CHECKOUT / "requirements-infra.txt"
# checkov pins 0.5.1, which can't read loops and then skips the file without failing.
PARSER = "pycep-parser==0.7.1"
WEBHOOKS = "providers call webhooks from anywhere; each call is signed, the rest asks for a key"
CLASSIC = "about classic App Service plans; Flex Consumption has no such setting"
NOT_SITE = "checkov takes the app settings for a site"
CLOSED = "is Disabled unless the operator gives an address (local/infra/deployment.py holds it); checkov can't tell"
SKIPS: Mapping[tuple[str, str], str] = {
    ("CKV_AZURE_225", "plan"): CLASSIC,
    ("CKV_AZURE_212", "app"): CLASSIC,
    ("CKV_AZURE_213", "app"): "Flex Consumption takes no health path; a store that is away must not restart instances",
    ("CKV_AZURE_222", "app"): WEBHOOKS,
    ("CKV_AZURE_17", "app"): WEBHOOKS,
    ("CKV_AZURE_222", "appSettings"): NOT_SITE,
    ("CKV_AZURE_13", "appSettings"): NOT_SITE,
    ("CKV_AZURE_63", "appSettings"): NOT_SITE,
    ("CKV_AZURE_65", "appSettings"): NOT_SITE,
    ("CKV_AZURE_66", "appSettings"): NOT_SITE,
    ("CKV_AZURE_80", "appSettings"): NOT_SITE,
    ("CKV_AZURE_88", "appSettings"): NOT_SITE,
    ("CKV_AZURE_238", "account"): "the account calls nobody, so it needs no identity",
    ("CKV_AZURE_134", "account"): CLOSED,
    ("CKV_AZURE_101", "account"): CLOSED,
    ("CKV_AZURE_99", "account"): CLOSED,
    (
        "CKV_AZURE_206",
        "storage",
    ): "Standard_ZRS: three zones; checkov asks for another region, which is a matter of cost",
    ("CKV_AZURE_112", "wrappingKey"): "an HSM costs five times as much; the key wraps keys of source secrets alone",
}


def scan(folder: Path) -> list[Finding]:
    """Return what checkov finds and no skip explains, skips that explain nothing, and files it can't read."""
    report = _report(folder)
    if report["summary"]["parsing_errors"]:
        return [Finding(str(folder), 1, f"checkov can't read {name}") for name in report["results"]["parsing_errors"]]
    failed = {
        (found["check_id"], found["resource"].rpartition(".")[2]): found for found in report["results"]["failed_checks"]
    }
    new = [
        Finding(
            Path(found["file_path"]).name, found["file_line_range"][0], f"{key[0]} {found['check_name']} ({key[1]})"
        )
        for key, found in failed.items()
        if key not in SKIPS
    ]
    idle = [
        Finding("scan.py", 1, f"the skip of {check} for {name} is not needed")
        for check, name in SKIPS.keys() - failed.keys()
    ]
    return sorted(new + idle, key=str)


def _report(folder: Path) -> dict[str, Any]:
    python = _environment()
    options = ("--framework", "bicep", "--skip-download", "--output", "json", "--directory", str(folder))
    done = subprocess.run(
        [python, "-m", "checkov.main", *options], cwd=folder, capture_output=True, text=True, check=False
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise Trouble(f"checkov broke: {done.stderr[-400:]}", do=f"Delete {ENVIRONMENT} and try again.") from error
    return report


def _environment() -> str:
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "installed"
    wanted = REQUIREMENTS.read_text() + PARSER
    if not stamp.exists() or stamp.read_text() != wanted:
        print("checkov into an environment of its own (once, about a minute) … ", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        for arguments in (("-r", str(REQUIREMENTS)), ("--no-deps", PARSER)):
            _pip(str(python), *arguments)
        stamp.write_text(wanted)
    return str(python)


def _pip(python: str, *arguments: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"checkov can't be installed: {done.stderr[-400:]}", do="Check that pip reaches its index.")
