"""Everything that can be said of infra/ without Azure."""

from collections.abc import Mapping
from pathlib import Path

from local.infra import deployment, passing, policy, roles
from local.infra.policy import Finding
from local.infra.syntax import BicepFile


def files(folder: Path, planted: Mapping[str, str] | None = None) -> list[BicepFile]:
    """Read main.bicep and the modules; `planted` maps file names to other contents."""
    paths = [folder / "main.bicep", *sorted((folder / "modules").glob("*.bicep"))]
    other = planted or {}
    return [BicepFile(path, other[path.name].encode() if path.name in other else None) for path in paths]


def check(bicep: list[BicepFile]) -> list[Finding]:
    """Return what is wrong: first syntax, and only where there is no fault in it the rest."""
    found = [finding for file in bicep for finding in policy.check(file)]
    if any(file.errors for file in bicep):
        return found
    found += [finding for file in bicep for finding in passing.check(file)]
    return found + roles.check(bicep) + deployment.check(bicep[0])
