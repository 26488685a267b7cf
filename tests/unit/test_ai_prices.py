"""What calls cost: twenty worked out by hand, and nothing that is guessed."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from shared.ai.prices import DEFAULT, PriceTable, Sold, prices_at, read_prices
from shared.ai.providers.openai_usage import TokenCounts
from shared.ai.usage import Usage
from shared.errors import Misconfigured

TABLE = """
currency = "USD"

[[price]]
provider = "openai"
model = "small"
since = 2026-01-01
source = "a test"
input = 0.25
cached = 0.025
output = 2

[[price]]
provider = "openai"
model = "small"
since = 2026-07-01
source = "a test"
input = 0.20
cached = 0.02
output = 1.60

[[price]]
provider = "openai"
model = "embeds"
since = 2026-01-01
source = "a test"
input = 0.02

[[price]]
provider = "azure"
deployment = "hub-mail"
since = 2026-03-01
source = "a test"
input = 0.275
cached = 0.028
cache_write = 0.275
output = 2.20

[[price]]
provider = "azure"
model = "large-2026-05-01"
since = 2026-05-01
source = "a test"
input = 1.25
cached = 0.125
cache_write = 1.5625
image = 1.5
output = 10

[[price]]
provider = "models.example"
model = "ours"
since = 2026-01-01
source = "our own machine"
input = 0
output = 0

[[price]]
provider = "offline"
since = 2026-01-01
source = "nobody is paid"
free = true
"""
SMALL = Sold("openai", None, ("small",))
MAIL = Sold("azure", "hub-mail", ("large-2026-05-01",))
LARGE = Sold("azure", "other", ("large-2026-05-01",))
EMBEDS = Sold("openai", None, ("embeds",))
WINTER, SUMMER = date(2026, 2, 1), date(2026, 7, 1)
THOUGHT = Usage(86, 1920, 0, 0, 162, 1024)
MILLION = 1_000_000


SHAPES = json.loads((Path(__file__).parents[1] / "fixtures" / "token_counts.json").read_text(encoding="utf-8"))


def said(shape: str) -> Usage:
    """What a server counted, in its own words."""
    return TokenCounts.model_validate(SHAPES[shape]["said"]).classes()


def tokens(*, read: int = 0, cached: int = 0, written: int = 0, stored: int = 0, image: int = 0) -> Usage:
    return Usage(read, cached, stored, image, written, 0)


# Each cost was worked out on paper: tokens of a class by its price, divided by a million, summed up.
BY_HAND = [
    ("a million in", SMALL, tokens(read=MILLION), WINTER, "0.25"),
    ("cached and reasoning", SMALL, THOUGHT, WINTER, "0.0024415"),
    ("the same at the next price", SMALL, THOUGHT, SUMMER, "0.0019532"),
    ("the last day of a price", SMALL, tokens(written=500_000), date(2026, 6, 30), "1.00"),
    ("a deployment before its model", MAIL, tokens(read=2 * MILLION), SUMMER, "0.55"),
    ("a cache that was written", MAIL, tokens(read=180, cached=512, stored=1408, written=90), SUMMER, "0.000649036"),
    ("a deployment without a price of its own", LARGE, tokens(read=100_000, written=10_000), SUMMER, "0.225"),
    ("images at their own price", LARGE, tokens(image=MILLION), SUMMER, "1.5"),
    ("images at the price of text", SMALL, tokens(image=MILLION), SUMMER, "0.20"),
    ("an embedding", EMBEDS, tokens(read=42), WINTER, "0.00000084"),
    ("many embeddings", EMBEDS, tokens(read=1_234_567), WINTER, "0.02469134"),
    (
        "a version without a price",
        Sold("openai", None, ("small-2026-01-15", "small")),
        tokens(read=MILLION),
        WINTER,
        "0.25",
    ),
    ("cached, as OpenAI says it", LARGE, said("openai responses, cached and reasoning"), SUMMER, "0.0122075"),
    ("a cache written, as OpenAI says it", LARGE, said("openai responses, cache written"), SUMMER, "0.003389"),
    ("cached, as Azure says it", LARGE, said("azure responses"), SUMMER, "0.01319225"),
    ("an image, as chat says it", LARGE, said("chat completions, with an image"), SUMMER, "0.00415125"),
    ("an image partly cached", LARGE, said("chat completions, image partly cached"), SUMMER, "0.001042"),
    (
        "thinking beside the output",
        LARGE,
        said("gemini behind its openai interface: thinking is in the total alone"),
        SUMMER,
        "0.00845",
    ),
    ("a cache beside the input", LARGE, said("anthropic messages: the cache is beside the input"), SUMMER, "0.006125"),
    (
        "both words for one cache",
        LARGE,
        said("a proxy in openai's words with anthropic's beside them"),
        SUMMER,
        "0.006125",
    ),
]
# What nobody is paid for costs nothing, what the table does not say is unknown.
NOTHING_OR_UNKNOWN = [
    ("a model that costs nothing", Sold("models.example", None, ("ours",)), tokens(read=MILLION), WINTER, "0"),
    ("rules of our own", Sold("offline", None, ("rules",)), Usage(), WINTER, "0"),
    ("before the first price", SMALL, tokens(read=MILLION), date(2025, 12, 31), None),
    ("a class without a price", SMALL, tokens(read=MILLION, stored=10), WINTER, None),
    ("a deployment whose model did not answer", Sold("azure", "other", ()), tokens(read=MILLION), SUMMER, None),
    ("the same name elsewhere", Sold("127.0.0.1", None, ("small",)), tokens(read=MILLION), WINTER, None),
    ("nothing was counted", SMALL, Usage(), WINTER, None),
    ("a deployment with a model's name", Sold("azure", "small", ()), tokens(read=MILLION), WINTER, None),
]


@pytest.fixture
def table(tmp_path: Path) -> PriceTable:
    return read(tmp_path, TABLE)


def read(folder: Path, text: str) -> PriceTable:
    path = folder / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return read_prices(path)


@pytest.mark.parametrize(("sold", "usage", "on", "cost"), [each[1:] for each in BY_HAND], ids=[e[0] for e in BY_HAND])
def test_twenty_calls_cost_what_was_worked_out_by_hand(
    table: PriceTable, sold: Sold, usage: Usage, on: date, cost: str
) -> None:
    assert table.cost(sold, usage, on) == Decimal(cost) > 0


def test_the_bill_of_the_twenty_adds_up(table: PriceTable) -> None:
    costs = [table.cost(sold, usage, on) for _, sold, usage, on, _ in BY_HAND]
    assert len(costs) == 20
    assert sum(cost for cost in costs if cost) == Decimal("4.059417916")


@pytest.mark.parametrize(
    ("sold", "usage", "on", "cost"), [e[1:] for e in NOTHING_OR_UNKNOWN], ids=[e[0] for e in NOTHING_OR_UNKNOWN]
)
def test_what_is_free_costs_nothing_and_what_is_not_known_is_unknown(
    table: PriceTable, sold: Sold, usage: Usage, on: date, cost: str | None
) -> None:
    assert table.cost(sold, usage, on) == (None if cost is None else Decimal(cost))


def test_the_table_that_comes_with_the_hub_knows_only_that_rules_cost_nothing() -> None:
    table = prices_at("")
    assert [(price.provider, price.free) for price in table.prices] == [("offline", True)]
    assert all(price.source for price in read_prices(DEFAULT).prices)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('provider = "openai"\nmodel = "m"\nsince = 2026-01-01', "price 1 lacks source"),
        ('provider = "openai"\nmodel = "m"\nsince = "soon"\nsource = "s"', "price 1: since must be a date"),
        ('provider = "openai"\nmodel = "m"\nsince = 2026-01-01\nsource = "s"\ninput = "1"', "input must be a number"),
        ('provider = "openai"\nmodel = "m"\nsince = 2026-01-01\nsource = "s"\ninput = -1', "input must be a number"),
        ('provider = "openai"\nmodel = "m"\nsince = 2026-01-01\nsource = "s"\noutptu = 1', "has outptu, which"),
        ('provider = "openai"\nsince = 2026-01-01\nsource = "s"\ninput = 1', "needs a model or a deployment"),
        ('provider = "a"\nmodel = "m"\ndeployment = "d"\nsince = 2026-01-01\nsource = "s"', "of a model or of a"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        read(tmp_path, f'currency = "USD"\n[[price]]\n{entry}\n')


@pytest.mark.parametrize("text", ["currency =", "", 'currency = "USD"'])
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured):
        read(tmp_path, text)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"gone\.toml can't be read: FileNotFoundError"):
        prices_at(str(tmp_path / "gone.toml"))
