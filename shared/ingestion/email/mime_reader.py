"""Mails read where they can do no harm: most right here, suspicious ones in a limited process of their own."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import Contended, Permanent
from shared.ingestion.email.mime_headers import read_header
from shared.ingestion.email.mime_mail import Mail, from_bytes, read_mail

# A process may take 512 MiB: more of them at a time and a small instance runs out.
_AT_A_TIME = 2
_DEADLINE_SECONDS = 30

_MAX_BYTES = 5_000_000
_MAX_HEADER_BYTES = 32 * 1024
_MAX_FIELDS = 200
_MAX_LINE_ENDS = 200_000
_MAX_BOUNDARIES = 100  # lines that begin as one does; 50 parts have as many in a tree
_MAX_MULTIPARTS = 10


@dataclass(frozen=True, slots=True)
class MailReader:
    """Reads mails; blocks for as long as that takes."""

    _turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_AT_A_TIME))

    def read(self, raw: bytes) -> Mail:
        """Return a mail. Raises Permanent with the reason it can't be read, Contended when the machine has no room."""
        if not is_suspicious(raw):
            return read_mail(raw)
        with self._turns:
            return from_bytes(_ask(raw))


def is_suspicious(raw: bytes) -> bool:
    """Whether a mail is one that ordinary people do not send, and that may take much memory or time to parse."""
    if len(raw) > _MAX_BYTES or raw.count(b"\n") + raw.count(b"\r") > _MAX_LINE_ENDS:
        return True
    if raw.count(b"\n--") + raw.count(b"\r--") > _MAX_BOUNDARIES or raw.lower().count(b"multipart/") > _MAX_MULTIPARTS:
        return True
    header = read_header(raw)
    return header.size_bytes > _MAX_HEADER_BYTES or len(header.fields) > _MAX_FIELDS


def _ask(raw: bytes) -> bytes:
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "shared.ingestion.email.mime_child"],
            input=raw,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[3],
            # Nothing of our environment, which holds secrets; only where the code is.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
    except OSError as error:
        raise Contended(f"no process for a mail ({type(error).__name__})") from error
    except subprocess.TimeoutExpired:
        # Its processor time is limited too, and far lower: the machine has none to give.
        raise Contended("a mail was not read in time") from None
    if done.returncode != 0 or b"\n" not in done.stdout:
        raise Permanent("parsing the mail takes more memory or time than is allowed")
    return done.stdout
