"""Images in a process of their own: a bomb or a broken decoder takes that process down and nothing beside it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from shared.ai.images import ImageFacts
from shared.errors import Permanent, Transient

CHILD = ("-B", "-m", "shared.ai.image_child")
DEADLINE_SECONDS = 60
# A process may take 512 MiB: more of them at a time and a small instance runs out.
_AT_A_TIME = 2
# 1024 by 1024 pixels as PNG, with room to spare.
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_TOO_MUCH = "decoding the image needs more memory or time than is allowed"

Task = Literal["facts", "picture", "text"]


@dataclass(frozen=True, slots=True)
class Picture:
    """What a model may see of an image; `raw` is empty when only the facts were asked for."""

    facts: ImageFacts
    media_type: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class ImageReader:
    """Reads images in limited child processes, two at a time."""

    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))

    async def facts(self, raw: bytes) -> ImageFacts:
        """Measure an image. Raises `Permanent` as `images.inspect` does, Transient when the machine has no room."""
        return _picture(*await self._read("facts", raw)).facts

    async def picture(self, raw: bytes) -> Picture:
        """Measure an image and repaint it for a model, as `images.picture` does; fails as `facts` does."""
        return _picture(*await self._read("picture", raw))

    async def text(self, raw: bytes) -> str:
        """Read the text in an image, as `image_text.read` does, where that is installed; fails as `facts` does."""
        said, _ = await self._read("text", raw)
        return str(said["text"])

    async def _read(self, task: Task, raw: bytes) -> tuple[dict[str, Any], bytes]:
        async with self._turns:
            answer = await _ask(task, raw)
        line, _, painted = answer.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        if "refused" in said:
            raise Permanent(said["refused"])
        return said, painted


def _picture(said: dict[str, Any], painted: bytes) -> Picture:
    facts = said["facts"] | {"colors": tuple(said["facts"]["colors"])}
    return Picture(ImageFacts(**facts), said["media_type"], painted)


async def _ask(task: Task, raw: bytes) -> bytes:
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, *CHILD, task),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=Path(__file__).parents[2],
            # Nothing of our environment, which holds secrets; only where the code is.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except OSError as error:
        raise Transient(f"no process for an image ({type(error).__name__})") from error
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            answer = await _converse(child, raw)
            status = await child.wait()
    except TimeoutError:
        # Its processor time is limited too, and far lower: the machine has none to give.
        raise Transient("an image was not read in time") from None
    finally:
        await _end(child)
    if status != 0 or b"\n" not in answer:
        raise Permanent(_TOO_MUCH)
    return answer


async def _end(child: Process) -> None:
    assert child.stdout  # noqa: S101 # a pipe
    if child.returncode is None:
        child.kill()
        # The pipe is closed when all in it was read.
        while await child.stdout.read(256 * 1024):
            pass
        await child.wait()


async def _converse(child: Process, raw: bytes) -> bytes:
    assert child.stdin  # noqa: S101 # both are pipes
    assert child.stdout  # noqa: S101
    feeding = asyncio.create_task(_feed(child.stdin, raw))
    try:
        answer = b""
        while more := await child.stdout.read(256 * 1024):
            answer += more
            if len(answer) > _MAX_ANSWER_BYTES:
                raise Permanent(_TOO_MUCH)
        return answer
    finally:
        feeding.cancel()


async def _feed(stdin: asyncio.StreamWriter, raw: bytes) -> None:
    try:
        stdin.write(raw)
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        # It ended before it read everything; its status says why.
        return
    finally:
        stdin.close()
