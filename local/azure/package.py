"""The package that is deployed: the app, its dependencies for Linux, and the bytecode of both."""

import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from local.checkout import CHECKOUT, STATE
from local.trouble import Trouble

PYTHON = "3.13"  # infra/modules/functions.bicep
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
DEPENDENCIES = Path(".python_packages", "lib", "site-packages")
PACKAGE = STATE / "azure" / "hub.zip"
# The archive has times of its own: bytecode that is checked against those of the sources would never be used.
COMPILE = ("-m", "compileall", "-qq", "-j", "2", "--invalidation-mode", "unchecked-hash")


def build(checkout: Path = CHECKOUT, package: Path = PACKAGE) -> str:
    """Write the package and say how large it is. Raises Trouble without the Python that runs in Azure."""
    python, folder = _python(), package.parent / "package"
    shutil.rmtree(folder, ignore_errors=True)
    for file in app_files(checkout):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout / file, target)
    _install(python, checkout, folder / DEPENDENCIES)
    # Some wheels hold templates of Python, which do not compile.
    subprocess.run([python, *COMPILE, str(folder)], capture_output=True, check=False)
    _zip(folder, package)
    compiled = sum(1 for _ in folder.rglob("*.pyc"))
    packed, unpacked = package.stat().st_size / 1e6, _size(folder) / 1e6
    shutil.rmtree(folder)
    return f"{package}: {packed:.1f} MB, {unpacked:.1f} MB unpacked, {compiled} modules compiled"


def app_files(checkout: Path) -> list[Path]:
    """Return the app's files, below `checkout`: all that .funcignore leaves."""
    patterns = (checkout / ".funcignore").read_text().split()

    def left(folder: Path) -> Iterator[Path]:
        for entry in sorted(folder.iterdir()):
            if not any(fnmatchcase(entry.name, pattern) for pattern in patterns):
                if entry.is_dir():
                    yield from left(entry)
                else:
                    yield entry.relative_to(checkout)

    return list(left(checkout))


def _python() -> str:
    """Return the interpreter that Azure has: it reads the requirements as it does there, and compiles for there."""
    python = shutil.which(f"python{PYTHON}") or ""
    works = (
        python and subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    )
    if not works:
        raise Trouble(
            f"no python{PYTHON} with pip runs here", do="Install it: the package is built by what runs it in Azure."
        )
    return python


def _install(python: str, checkout: Path, target: Path) -> None:
    wheels = [part for platform in PLATFORMS for part in ("--platform", platform)]
    command = [
        *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
        *(
            "--target",
            str(target),
            "--only-binary=:all:",
            "--implementation",
            "cp",
            "--python-version",
            PYTHON,
            *wheels,
        ),
        *("-r", str(checkout / "requirements.txt"), "-c", str(checkout / "constraints.txt")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"the dependencies can't be had: {done.stderr[-400:]}", do="Check that pip reaches its index.")
    shutil.rmtree(target / "bin", ignore_errors=True)


def _zip(folder: Path, package: Path) -> None:
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(file, file.relative_to(folder))


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
