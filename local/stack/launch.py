"""Become another identity, tie one's life to the parent's, then exec a program.

Run by path in a bare interpreter (`python -I -S launch.py ...`), so it imports nothing of ours. The program
keeps the process id of the launcher. Usage: `launch.py PARENT_PID SIGNAL IDENTITY PROGRAM [ARGUMENT...]`

- SIGNAL is what the kernel sends when the parent dies, even by SIGKILL (Linux only).
- IDENTITY is `same`, `namespace` (ourselves, seen as a user with an account inside a new user namespace: files
  stay ours) or `UID:GID` (root becomes that user, but still passes directories closed to it).
"""

import ctypes
import os
import pwd
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1


def _checked(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def enter_namespace(libc: ctypes.CDLL) -> None:
    """Ourselves outside, a user with an account inside: a program that refuses root runs, no file changes hands."""
    user, group = os.geteuid(), os.getegid()
    _checked(libc.unshare(CLONE_NEWUSER), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{_inner_id()} {user} 1")
    _write("/proc/self/gid_map", f"{_inner_id()} {group} 1")


def _inner_id() -> int:
    """An id that has an account, because initdb looks its own name up; which one does not matter."""
    return next((account.pw_uid for account in pwd.getpwall() if account.pw_uid != 0), 1000)


def _write(path: str, line: str) -> None:
    # Not open(): the kernel refuses O_CREAT to an id that has no mapping yet.
    control = os.open(path, os.O_WRONLY)
    os.write(control, line.encode("ascii"))
    os.close(control)


def become(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Drop to `uid` with one capability kept: a checkout under a 0700 home stays reachable, its modes unchanged."""
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    # Without this, access(2) ignores the capability of anyone but root, and initdb asks it about its own binaries.
    libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if _keep_only(libc, 1 << CAP_DAC_OVERRIDE):
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
    elif not _keep_only(libc, 0):
        raise OSError(ctypes.get_errno(), "capset")


def _keep_only(libc: ctypes.CDLL, capabilities: int) -> bool:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(capabilities, capabilities, capabilities, 0, 0, 0)
    return bool(libc.capset(header, sets) == 0)


def die_with(libc: ctypes.CDLL, parent: int, signal: int) -> None:
    """Comes last: the kernel forgets the wish when the identity changes."""
    _checked(libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        sys.exit("the parent was gone before the start")


def main() -> None:
    """Do what the arguments ask for; an identity that can't be had is one line on standard error and status 1."""
    parent, signal, identity, *program = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if identity == "namespace":
            enter_namespace(libc)
        elif identity != "same":
            uid, _, gid = identity.partition(":")
            become(libc, int(uid), int(gid))
        if sys.platform == "linux":
            die_with(libc, int(parent), int(signal))
        os.execvp(program[0], program)  # noqa: S606 - starting a program is what this file is for
    except OSError as error:
        sys.exit(f"can't start {program[0]} as {identity}: {error}")


if __name__ == "__main__":
    main()
