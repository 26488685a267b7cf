"""As whom Postgres runs: it refuses root, and its files must not need looser permissions than they have."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

from local.stack.process import launched
from local.trouble import Trouble

# initdb looks its own name up, so the user must have an account; these two own no files and are everywhere.
SPARE_USERS = ("nobody", "daemon")


def choose_identity(data: Path, program: Path) -> str:
    """The launcher's identity under which `program` runs and `data`'s parent can be written.

    `same` for an ordinary user; one without an account, as containers have them, gets a user namespace. Root tries a
    namespace first (nothing changes owner), then another user; whoever owns `data` already wins.
    Raises Trouble when none of them works.
    """
    if os.geteuid() != 0:
        return "same" if _has_account() else "namespace"
    if sys.platform != "linux":
        raise Trouble("Postgres refuses to run as root", do="Run this command as an ordinary user.")
    failures = []
    for identity in candidates(data):
        failure = _try(identity, program, data.parent)
        if not failure:
            return identity
        failures.append(failure)
    raise Trouble(
        f"Postgres refuses to run as root, and no other identity works here ({'; '.join(failures)})",
        do="Run this command as an ordinary user, in a checkout that user owns.",
    )


def _has_account() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return sys.platform != "linux"
    return True


def hand_over(directory: Path, identity: str) -> None:
    """Give `directory` and all in it to the user of a `UID:GID` identity; nothing to do for the others."""
    uid, colon, gid = identity.partition(":")
    if not colon or directory.stat().st_uid == int(uid):
        return
    for path in [*directory.rglob("*"), directory]:
        os.chown(path, int(uid), int(gid), follow_symlinks=False)


def candidates(data: Path) -> list[str]:
    """The identities to try for `data`, best first, when we are root."""
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return [f"{owner.st_uid}:{owner.st_gid}"]
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    spare = [accounts[name] for name in SPARE_USERS if name in accounts]
    return ["namespace", *(f"{account.pw_uid}:{account.pw_gid}" for account in spare)]


def _try(identity: str, program: Path, directory: Path) -> str:
    # The namespace's user owns the directory already, and must be able to write; another user is given it once chosen.
    write_test = "-w" if identity == "namespace" else "-d"
    script = 'test "$1" "$2" && exec "$3" --version'
    argv = ("/bin/sh", "-c", script, "sh", write_test, str(directory), str(program))
    command = launched(argv, death_signal=9, identity=identity)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    # initdb answers, and warns, when its own binaries are closed to it.
    if done.returncode == 0 and not done.stderr:
        return ""
    return done.stderr.strip() or f"{identity}: {program} or {directory} is out of its reach"
