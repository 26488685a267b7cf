"""What a call costs, by a table that the operator fills. What the table does not say is unknown, never nothing."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared.ai.usage import Usage
from shared.errors import Misconfigured

DEFAULT = Path(__file__).with_name("prices.toml")
_MILLION = Decimal(1_000_000)
# In the order of `Usage.classes`. What is part of another class for its vendor costs what that costs.
_CLASSES = ("input", "cached", "cache_write", "image", "output", "reasoning")
_PART_OF = {"image": "input", "reasoning": "output"}
_KEYS = {"provider", "model", "deployment", "since", "source", "free", *_CLASSES}


@dataclass(frozen=True, slots=True)
class Sold:
    """What was used of whom. `models` are its names, the server's own first."""

    provider: str
    deployment: str | None
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's tokens cost from a day on, a million of each class; where that was read is `source`."""

    provider: str
    model: str | None
    deployment: str | None
    since: date
    source: str
    millions: dict[str, Decimal]
    free: bool = False

    def of(self, usage: Usage) -> Decimal | None:
        """Return the exact cost, None when there is no count or a class that was used has no price."""
        if self.free:
            return Decimal(0)
        if usage.total_tokens is None:
            return None
        cost = Decimal(0)
        for name, count in zip(_CLASSES, usage.classes(), strict=True):
            if not count:
                continue
            price = self.millions.get(name, self.millions.get(_PART_OF.get(name, name)))
            if price is None:
                return None
            cost += price * count / _MILLION
        return cost


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Every price that is known, in one currency."""

    currency: str
    prices: tuple[Price, ...]

    def cost(self, sold: Sold, usage: Usage, on: date) -> Decimal | None:
        """Return what a call on that day cost, None when it is not known."""
        price = self._price(sold, on)
        return price.of(usage) if price else None

    def _price(self, sold: Sold, on: date) -> Price | None:
        """A deployment's own price comes first, then the model's by the first of its names, then the provider's."""
        valid = [price for price in self.prices if price.provider == sold.provider and price.since <= on]
        named = [(sold.deployment, None)] if sold.deployment else []
        for wanted in (*named, *((None, model) for model in sold.models), (None, None)):
            found = [price for price in valid if (price.deployment, price.model) == wanted]
            if found:
                return max(found, key=lambda price: price.since)
        return None


def prices_at(path: str) -> PriceTable:
    """Read the table of the operator, or the one that comes with the hub where there is none."""
    return read_prices(Path(path) if path else DEFAULT)


def read_prices(path: Path) -> PriceTable:
    """Read a price table (the form is in `prices.toml`). Raises Misconfigured that names the entry."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return PriceTable(str(said["currency"]), tuple(_price(at, each) for at, each in enumerate(said["price"], 1)))
    except OSError as error:
        raise Misconfigured(f"the price table {path} can't be read: {type(error).__name__}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"the price table {path}: {error}") from error


def _price(position: int, said: dict[str, Any]) -> Price:
    unknown = said.keys() - _KEYS
    if unknown:
        raise ValueError(f"price {position} has {', '.join(sorted(unknown))}, which no price has")
    missing = {"provider", "since", "source"} - said.keys()
    if missing:
        raise ValueError(f"price {position} lacks {', '.join(sorted(missing))}")
    if "model" in said and "deployment" in said:
        raise ValueError(f"price {position} is of a model or of a deployment")
    if not said.get("free") and not said.keys() & {"model", "deployment"}:
        raise ValueError(f"price {position} needs a model or a deployment")
    return Price(
        provider=said["provider"],
        model=said.get("model"),
        deployment=said.get("deployment"),
        since=_day(position, said["since"]),
        source=said["source"],
        millions={name: _amount(position, name, said[name]) for name in _CLASSES if name in said},
        free=said.get("free", False),
    )


def _day(position: int, said: Any) -> date:  # any TOML value
    if type(said) is not date:
        raise ValueError(f"price {position}: since must be a date such as 2026-11-01")
    return said


def _amount(position: int, name: str, said: Any) -> Decimal:  # any TOML value
    if isinstance(said, bool) or not isinstance(said, int | Decimal) or not 0 <= said < _MILLION:
        raise ValueError(f"price {position}: {name} must be a number, the price of a million tokens")
    return Decimal(said)
