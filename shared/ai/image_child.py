"""The process that decodes what strangers sent, and nothing else: `python -m shared.ai.image_child facts|picture|text`.

Image on standard input, answer on standard output: a line of JSON, then the bytes of the picture if one was asked for.
Tesseract, which reads text, takes 120 MiB for a page of its size: the same limits hold for it.
It has no secrets, opens no file for writing, and ends when it takes more memory or time than its limits.
"""

import json
import resource
import sys
from dataclasses import asdict

from shared.ai.images import inspect, picture
from shared.errors import Permanent

MAX_MEMORY_BYTES = 512 * 1024 * 1024
MAX_CPU_SECONDS = 10


def main(task: str) -> None:
    """Answer one task."""
    _limit()
    raw = sys.stdin.buffer.read()
    try:
        answer, painted = _do(task, raw)
    except Permanent as error:
        answer, painted = {"refused": error.reason}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + painted)
    sys.stdout.buffer.flush()


def _do(task: str, raw: bytes) -> tuple[dict[str, object], bytes]:
    if task == "text":
        from shared.ai.image_text import read

        return {"text": read(raw)}, b""
    facts = inspect(raw)
    media_type, painted = picture(raw, facts.kind) if task == "picture" else ("", b"")
    return {"facts": asdict(facts), "media_type": media_type}, painted


def _limit() -> None:
    if sys.platform != "darwin":
        # macOS has this limit by name alone and refuses to set it.
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1])
