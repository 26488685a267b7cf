"""What may happen in the machine, how often, and with which values."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from tests.sync_machine.host import ORDERS
from tests.sync_machine.saboteur import PLACES
from tests.sync_machine.writers import DELETES, DOCUMENTS, POISON, WRITES

# A few documents are written all the time, most of it within one second: that is where clocks can't tell.
DOC = (*(0,) * 4, *(1,) * 3, *(2,) * 2, *range(3, DOCUMENTS))
ANY = tuple(range(DOCUMENTS))
WAIT = (*(0,) * 6, 1, 30, 200, 400, 1500)
PARTITION = tuple(range(4))
SIZE = (1, 2, 3, 5, 20)


@dataclass(frozen=True, slots=True)
class Kind:
    """How many of a thousand events are of this kind, and what each of its values is drawn from."""

    weight: int
    values: Mapping[str, tuple[Any, ...]]
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens. Whatever came before it, it can happen: numbers wrap around."""

    kind: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{name}={value!r}' for name, value in self.values.items())})"


KINDS: Mapping[str, Kind] = {
    "write": Kind(550, {"doc": DOC, "how": WRITES, "wait": WAIT}, writes=True),
    "delete": Kind(66, {"doc": ANY, "how": DELETES, "wait": WAIT}, writes=True),
    "poison": Kind(25, {"doc": ANY, "kind": tuple(POISON), "how": WRITES[:1] + WRITES[-2:-1]}),
    "pass_ttl": Kind(16, {}),
    "split": Kind(6, {"partition": PARTITION}),
    "fetch": Kind(70, {"partition": PARTITION, "size": SIZE}),
    "deliver": Kind(70, {"partition": PARTITION, "size": SIZE, "order": ORDERS}),
    "deliver_late": Kind(20, {"first": tuple(range(60)), "count": SIZE, "order": ORDERS}),
    "redeliver": Kind(12, {"which": tuple(range(10))}),
    "swap": Kind(10, {"partition": PARTITION, "size": SIZE}),
    "swallow": Kind(25, {"partition": PARTITION, "size": SIZE}),
    "steal": Kind(25, {"partition": PARTITION, "size": SIZE}),
    "wake": Kind(16, {"which": tuple(range(8))}),
    "both": Kind(8, {"partition": PARTITION, "size": SIZE}),
    "kill": Kind(14, {"place": PLACES, "partition": PARTITION, "size": SIZE}),
    "restart": Kind(12, {}),
    "pull": Kind(22, {"pages": (1, 2, 10)}),
    "pull_killed": Kind(9, {"place": PLACES}),
    "pull_held": Kind(5, {}),
    "pull_wake": Kind(5, {}),
    "refuse_token": Kind(4, {}),
    "meddle": Kind(10, {"doc": DOC, "how": WRITES}),
}


def script(seed: int, count: int) -> list[Event]:
    """Return the events of a seed: the same ones for ever, as long as `KINDS` stays."""
    draw, kinds = random.Random(seed), list(KINDS)
    shares = list(accumulate(kind.weight for kind in KINDS.values()))
    return [_drawn(draw, draw.choices(kinds, cum_weights=shares)[0]) for _ in range(count)]


def _drawn(draw: random.Random, kind: str) -> Event:
    return Event(kind, {name: draw.choice(pool) for name, pool in KINDS[kind].values.items()})
