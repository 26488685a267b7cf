"""`./dev project`: what each project decides of its model calls, on the stack of `./dev up` or on a hub on Azure."""

import argparse
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from local.checkout import UP
from local.sources import Site, deployed_site, running
from local.trouble import Trouble
from shared.ai.bodies import Keeping
from shared.services import Services
from shared.stores.postgres import Row
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("project_terms.sql"))
UNPRICED = "A cap in money counts the calls whose price is known: docs/model-calls.md, Prices."
_MOST_TOKENS, _MOST_COST, _MOST_DAYS = 10**15, 10**7, 36_500


def main(argv: Sequence[str]) -> int:
    """List the projects with their terms, or change those of one."""
    arguments = vars(_arguments(argv))
    action, target, project = arguments.pop("action"), arguments.pop("target"), arguments.pop("project", None)
    site = deployed_site() if target == "azure" else running(UP)
    if action == "list":
        print("\n".join(map(described, listed(site))))
        return 0
    if not arguments:
        raise Trouble("nothing to set was said", do="See ./dev project set --help.")
    if target == "azure" and not project:
        raise Trouble("a hub on Azure has no demo project", do="Say --project ID; ./dev project list shows them.")
    print(described(change(site, project or site.demo_project, arguments)))
    if arguments.get("ai_daily_cost") is not None:
        print(UNPRICED)
    return 0


def listed(site: Site) -> list[Row]:
    """Return every project with its terms."""

    async def everything(hub: Services) -> list[Row]:
        async with hub.postgres.sweeper() as transaction:
            return await transaction.all(SQL["list_terms"])

    return site.ask(everything)


def change(site: Site, project: UUID, terms: dict[str, Any]) -> Row:
    """Change some of a project's terms, by column, and return them all. Raises Trouble where there is none."""
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(site.owner_dsn, row_factory=dict_row) as owner:
        # The table's owner is held to its rows as everyone is.
        owner.execute("SELECT set_config('app.project_id', %s, true)", [str(project)])
        row = owner.execute(SQL["lock_terms"], {"id": project}).fetchone()
        if row is None:
            raise Trouble(f"there is no project {project}", do="See ./dev project list for those there are.")
        owner.execute(SQL["set_terms"], row | terms)
    return row | terms


def described(row: Row) -> str:
    """Return a project and its terms in a line."""
    caps = [f"{row['ai_daily_tokens']} tokens"] if row["ai_daily_tokens"] is not None else []
    if row["ai_daily_cost"] is not None:
        caps.append(f"{row['ai_daily_cost'].normalize():f} in money")
    return (
        f"{row['id']}  {row['name']}: {' and '.join(caps) or 'no cap'} a day; bodies {row['ai_bodies']} for"
        f" {row['ai_body_days']} days, log {row['ai_log_days']} days"
    )


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev project",
        description="What projects decide of their model calls, of ./dev up or of a hub on Azure.",
        # What was not said is left as it is.
        argument_default=argparse.SUPPRESS,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    setting = actions.add_parser("set", help="change some", argument_default=argparse.SUPPRESS)
    setting.add_argument("--project", type=UUID, help="the project's id (default: the demo project)")
    tokens, cost = _number(int, 0, _MOST_TOKENS, none=True), _number(Decimal, 0, _MOST_COST, none=True)
    days = _number(int, 1, _MOST_DAYS)
    for name, column, kind, told in (
        ("--daily-tokens", "ai_daily_tokens", tokens, "what a day (UTC) may take in tokens; none: no cap"),
        ("--daily-cost", "ai_daily_cost", cost, "and in money, in the price table's currency; none: no cap"),
        ("--body-days", "ai_body_days", days, "days until request and response of a call are emptied"),
        ("--log-days", "ai_log_days", days, "days until its row is deleted"),
    ):
        setting.add_argument(name, dest=column, type=kind, metavar="N", help=told)
    kept = "how much of request and response is kept"
    setting.add_argument("--bodies", dest="ai_bodies", choices=get_args(Keeping), help=kept)
    listing = actions.add_parser("list", help="show all", argument_default=argparse.SUPPRESS)
    for each in (setting, listing):
        each.add_argument("--target", choices=["local", "azure"], default="local", help="azure: azd's environment")
    return parser.parse_args(argv)


def _number(
    kind: type[int] | type[Decimal], least: int, most: int, *, none: bool = False
) -> Callable[[str], int | Decimal | None]:
    def read(said: str) -> int | Decimal | None:
        if none and said == "none":
            return None
        try:
            number = kind(said)
            if least <= number <= most:
                return number
        except (ValueError, InvalidOperation):
            pass
        raise argparse.ArgumentTypeError(f"{said!r} is no number from {least} to {most}{', nor none' if none else ''}")

    return read
