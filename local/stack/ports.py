import json
import random
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from local.trouble import Trouble

LOOPBACK = "127.0.0.1"
# Below the ports systems take for outgoing connections (from 32768 on Linux, 49152 on macOS): ours stay free meanwhile.
RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Say whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(avoid: Collection[int] = ()) -> int:
    """A port nothing listens on, not in `avoid`."""
    for port in random.sample(RANGE, k=200):
        if port not in avoid and is_free(port):
            return port
    raise Trouble(
        "no free port between 20000 and 32000 was found", do="End programs that listen there, then try again."
    )


def choose_ports(file: Path, names: Iterable[str], *, preferred: Mapping[str, int] | None = None) -> dict[str, int]:
    """The port of each name: the one kept in `file`, else the preferred one, else any; a taken one is chosen anew."""
    kept: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    chosen: dict[str, int] = {}
    for name in names:
        wishes = [kept.get(name), (preferred or {}).get(name)]
        wish = next((port for port in wishes if port and port not in chosen.values() and is_free(port)), None)
        chosen[name] = wish or free_port([*chosen.values(), *kept.values()])
    if chosen != kept:
        file.write_text(json.dumps(chosen))
    return chosen
