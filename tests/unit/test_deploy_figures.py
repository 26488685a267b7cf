"""docs/deploy.md against the template and its own formulas: a figure that nobody computes again is soon wrong."""

import re
from collections.abc import Callable, Mapping

import pytest

from local.checkout import CHECKOUT
from local.host.application import load_functions
from local.infra.check import files
from local.infra.deployment import template
from local.infra.policy import resources

DEPLOY = (CHECKOUT / "docs" / "deploy.md").read_text()
BICEP = {file.path.stem: file for file in files(CHECKOUT / "infra")}
MAIN = template(BICEP["main"])
SECONDS = 86_400 * 365.25 / 12
ATTACHMENTS, TEXT_KB, RAW_KB = 0.2, 2, 30
UNITS = {"": 1, "million": 1e6, "billion": 1e9, "GB": 1e6, "TB": 1e9}  # sizes in KB


def awake(rate: float) -> float:
    """Instances that are awake on average: of ingest, store, analyse and attachments, and the one of sync."""
    steps = [(rate, 0.05), (rate, 0.2), (rate, 0.2), (rate * ATTACHMENTS, 0.2)]
    return 1 + sum(max(runs * seconds, min(runs, 1)) for runs, seconds in steps)


A_MONTH: Mapping[str, Callable[[float], float]] = {
    "messages": lambda rate: rate * SECONDS,
    "function runs, one partition": lambda rate: (rate * (3 + ATTACHMENTS) + 1) * SECONDS,
    "GB-seconds": lambda rate: awake(rate) * 2 * SECONDS,
    "queue operations": lambda rate: rate * (6 + 3 * ATTACHMENTS) * SECONDS,
    "Cosmos DB, request units a second": lambda rate: rate * 30,
    "Cosmos DB growth": lambda rate: rate * (TEXT_KB + 12) * SECONDS,
    "Postgres growth": lambda rate: rate * (2 * TEXT_KB + 4) * SECONDS,
    "raw bodies (cool after 30 days, deleted after 730)": lambda rate: rate * RAW_KB * SECONDS,
    "logs": lambda rate: rate * 10 * SECONDS,
}


def rows(title: str) -> dict[str, list[str]]:
    """The table whose first cell is `title`, by the first cell of each row."""
    table = DEPLOY.partition(f"\n| {title} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {name: others for name, *others in cells}


def number(text: str) -> float:
    value, _, unit = text.partition(" ")
    return float(value.replace(",", "")) * UNITS[unit]


def test_the_table_of_a_month_has_a_formula_a_row() -> None:
    assert set(rows("A month of")) == set(A_MONTH)


@pytest.mark.parametrize("quantity", A_MONTH)
def test_quantities_of_a_month_are_what_the_formulas_come_to(quantity: str) -> None:
    told = [number(cell) for cell in rows("A month of")[quantity]]
    assert told == pytest.approx([A_MONTH[quantity](rate) for rate in (1, 10, 100)], rel=0.01)


def test_the_instances_at_100_messages_a_second_add_up() -> None:
    told = re.search(
        r": (\d+) instances of 2 GB .* as many .*, (\d+) for .*, (\d+) for HTTP .*, 1 for .*: (\d+) of", DEPLOY
    )
    assert told is not None
    step, attachments, http, together = map(int, told.groups())
    assert 2 * step + attachments + http + 1 == together == round(awake(100))


def test_what_autoscale_keeps_is_ten_units_a_gigabyte() -> None:
    told = re.search(r"that is ([\d,]+) after a month", DEPLOY)
    assert told is not None
    assert number(told[1]) == pytest.approx(A_MONTH["Cosmos DB growth"](100) / 1e6 * 10, rel=0.01)


def test_timers_run_as_often_as_is_said() -> None:
    settings = MAIN.module_parameter("functions", "settings")
    an_hour = 0
    for function in load_functions(CHECKOUT):
        trigger = function.get_trigger()
        if trigger is not None and trigger.type == "timerTrigger":
            second, minute, *rest = settings[trigger.get_dict_repr()["schedule"].strip("%")].split()
            assert second.isdigit()
            assert rest == ["*"] * 4
            an_hour += 60 if minute == "*" else 60 // int(minute.removeprefix("*/"))
    assert f"{an_hour * SECONDS / 3600:,.0f} runs a month" in DEPLOY


def test_private_endpoints_and_zones_are_counted() -> None:
    stores = BICEP["endpoints"].of("variable")["stores"].value
    zones = BICEP["network"].of("variable")["zones"].value
    assert f"{len(stores)} private endpoints (one more with a model) and {len(zones)} zones" in DEPLOY


def test_connections_are_those_of_the_template() -> None:
    groups, timers = len(MAIN.named("scalingGroups")), len(MAIN.named("timers"))
    most, pool = MAIN.named("maximumInstanceCount"), MAIN.named("postgresPoolSize")
    assert f"({groups} × {most} + {timers}) × {pool} = {MAIN.named('connectionsNeeded')}" in DEPLOY
    told = {size: int(cells[0].replace(",", "")) for size, cells in rows("Size").items()}
    assert told == MAIN.named("postgresConnections")
    assert f"default is {most}" in DEPLOY


def test_what_is_kept_is_kept_as_long_as_is_said() -> None:
    kept = {name: cells[0] for name, cells in rows("What").items()}
    assert kept["Postgres"] == f"{MAIN.named('backupRetentionDays')} days of points in time"
    vault = BICEP["keyvault"].of("resource")["vault"].value["properties"]
    assert kept["the wrapping key"] == f"soft delete {vault['softDeleteRetentionInDays']} days, purge protection"
    blobs = BICEP["storage"].of("resource")["blobService"].value["properties"]["deleteRetentionPolicy"]
    assert kept["Blob (raw bodies, attachments, sources, wrapped keys)"] == f"deleted blobs {blobs['days']} days"
    cosmos = BICEP["cosmos"].of("resource")["account"].value["properties"]["backupPolicy"]["continuousModeProperties"]
    assert f"Continuous{kept['Cosmos DB'].partition(' ')[0]}Days" == cosmos["tier"]


def test_every_provider_of_the_template_is_among_those_to_register() -> None:
    used = {resource.type.partition("/")[0] for file in BICEP.values() for resource in resources(file)}
    registered = set(re.findall(r"`(Microsoft\.\w+)`", DEPLOY.partition("\n## azd up")[0]))
    assert used - {"Microsoft.Resources", "Microsoft.Authorization"} <= registered  # these two are there always


def test_every_parameter_that_is_set_by_azd_is_explained() -> None:
    filled = set(re.findall(r"\$\{(HUB_\w+)", (CHECKOUT / "infra" / "main.parameters.json").read_text()))
    assert {name for name in filled if name not in DEPLOY} == set()
