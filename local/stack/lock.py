import fcntl
import os
import time
from pathlib import Path

from local.trouble import Trouble

LEFTOVER_SECONDS = 20


class StateLock:
    """The claim of one stack on its state directory.

    The children inherit it, so it is free again only when the last of them is gone, even after this process was killed.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = -1

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the children have to inherit: one descriptor while the directory is claimed."""
        return (self._descriptor,) if self._descriptor >= 0 else ()

    def take(self) -> None:
        """Claim the directory. Raises Trouble when it is in use."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while not self._try():
            owner = self.owner()
            if owner or time.monotonic() > deadline:
                os.close(self._descriptor)
                self._descriptor = -1
                who = f"process {owner}" if owner else "a process left over from an earlier run"
                raise Trouble(f"{self._file.parent} is in use by {who}", do="End that process first, then try again.")
            time.sleep(0.1)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the directory up. Safe when it was never taken."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def owner(self) -> int:
        """The process id of the living process that claimed it, 0 when there is none."""
        text = self._file.read_text().strip() if self._file.exists() else ""
        if not text.isdigit():
            return 0
        try:
            os.kill(int(text), 0)
        except ProcessLookupError:
            return 0
        except PermissionError:
            pass
        return int(text)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
