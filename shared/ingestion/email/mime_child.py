"""The process that parses what looks like a bomb: `python -m shared.ingestion.email.mime_child`.

Mail on standard input, the answer of `mime_mail.to_bytes` on standard output. It has no secrets, opens no file for
writing, and ends when it takes more memory or time than its limits.
"""

import json
import resource
import sys

from shared.errors import Permanent
from shared.ingestion.email.mime_mail import read_mail, to_bytes

MAX_MEMORY_BYTES = 512 * 1024 * 1024
MAX_CPU_SECONDS = 5


def main() -> None:
    """Answer for one mail."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    raw = sys.stdin.buffer.read()
    try:
        answer = to_bytes(read_mail(raw))
    except Permanent as error:
        answer = json.dumps({"refused": error.reason}).encode() + b"\n"
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
