"""`./dev source`: the inbound sources of the stack of `./dev up`, which must be running, or of a hub on Azure."""

import argparse
import json
import shlex
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from local import parts
from local.checkout import UP
from local.projects import add_project
from local.stack.stack import Stack
from local.trouble import Trouble
from schema.demo_project import SeededSource, new_secret, seed
from shared.errors import HubError
from shared.identifiers import ProjectId
from shared.ingestion import sources, standard_webhooks
from shared.models.messages import Channel
from shared.services import Services
from shared.stores.postgres import Row
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("sources.sql"))
START = "Start ./dev up in another terminal, wait until it serves, then run this again."


@dataclass(frozen=True, slots=True)
class Site:
    """A running stack with its host: what it needs to be worked on from outside."""

    settings: Mapping[str, str]
    owner_dsn: str
    mend: str = START  # what to do when it does not answer

    @property
    def base_url(self) -> str:
        """Where its host serves, without a slash at the end."""
        return self.settings["PUBLIC_BASE_URL"]

    @property
    def demo_project(self) -> ProjectId:
        """Its demo project, made when it is missing. Raises Trouble while the stack is still starting."""
        import psycopg

        try:
            return seed(self.owner_dsn, dict(self.settings)).id
        except (HubError, psycopg.OperationalError) as error:
            raise Trouble("the stack does not answer yet", do=START) from error

    def ask(self, work: Callable[[Services], Awaitable[list[Row]]]) -> list[Row]:
        """Do some work with the app's parts, and close them. Raises Trouble for what the stores refuse."""
        try:
            return parts.ask(self.settings, work)
        except Trouble:
            raise
        except HubError as error:
            raise Trouble(str(error), do=self.mend) from error


def main(argv: Sequence[str]) -> int:
    """Add a source and show how to post to it, give it another secret, or list the sources of every project."""
    arguments = _arguments(argv)
    site = deployed_site() if arguments.target == "azure" else running(UP)
    if arguments.action == "list":
        print(listed(site))
        return 0
    if arguments.action == "rotate":
        print(_rotated(site, arguments.source, finish=arguments.finish))
        return 0
    project = _project(arguments, site)
    provider = arguments.provider or ("email-json" if arguments.channel == "queue" else "json")
    source = add(site, project, channel=arguments.channel, name=arguments.name, provider=provider)
    print(described(site.base_url, source, raw=provider == "mime"))
    return 0


def _rotated(site: Site, source: UUID, *, finish: bool) -> str:
    if finish:
        keep_newest_secret(site, source)
        return "Within a minute the newest secret alone is taken."
    secret = add_secret(site, source)
    return (
        f"\n  Secret  {secret}\n\nWithin a minute it is taken beside the one before it. "
        f"When the sender signs with it: ./dev source rotate {source} --finish\n"
    )


def _project(arguments: argparse.Namespace, site: Site) -> UUID:
    if arguments.new_project:
        project = _new_project(arguments.new_project, site)
        print(f"\n  Project {project} ({arguments.new_project})")
        return project
    if arguments.target == "azure" and not arguments.project:
        raise Trouble("a hub on Azure has no demo project", do="Say --project ID, or --new-project NAME.")
    return UUID(str(arguments.project or site.demo_project))


def _new_project(name: str, site: Site) -> ProjectId:
    import psycopg

    try:
        return add_project(site.owner_dsn, name)
    except psycopg.OperationalError as error:
        raise Trouble("the database lets nobody in", do=site.mend) from error


def deployed_site() -> Site:
    """Return the hub of azd's selected environment. Raises Trouble when there is none."""
    from local.azure.environment import deployed
    from local.azure.prepare import REFUSED
    from schema.migrate import as_owner

    hub = deployed()
    return Site(hub.settings, as_owner(hub.admin_dsn(hub.values["HUB_POSTGRES_DATABASE"])), REFUSED)


def running(state: Path) -> Site:
    """Return the stack that runs in `state`. Raises Trouble when none does."""
    stack = Stack(state)
    settings = state / "local.settings.json"
    if not stack.running_elsewhere() or not settings.exists():
        raise Trouble("no stack is running here", do=START)
    return Site(json.loads(settings.read_text())["Values"], stack.owner_dsn())


def add(site: Site, project: UUID, *, channel: Channel, name: str, provider: str = "json") -> SeededSource:
    """Create and publish a source with a new secret. Raises Trouble: no such project, or its name is taken."""
    made = SeededSource(uuid.uuid4(), channel, provider, new_secret())
    new = sources.NewSource(ProjectId(project), made.id, name, channel, provider, (made.secret,))

    async def create(hub: Services) -> list[Row]:
        there = await _sources_of_all(hub)
        if project not in there:
            raise Trouble(f"there is no project {project}", do="See ./dev source list for those there are.")
        if name in {row["name"] for row in there[project]}:
            raise Trouble(f"the project has a source named {name!r} already", do="Choose another --name.")
        await sources.add_source(new, hub.postgres, hub.vault)
        await sources.publish_sources(hub.postgres, hub.blobs)
        return []

    site.ask(create)
    return made


def add_secret(site: Site, source: UUID) -> str:
    """Put a new secret before the newest of a source and return it; both are taken. Raises Trouble: no such source."""
    secret = new_secret()
    _change_secrets(site, source, lambda there: (secret, *there[:1]))
    return secret


def keep_newest_secret(site: Site, source: UUID) -> None:
    """Leave a source the newest of its secrets alone. Raises Trouble: no such source."""
    _change_secrets(site, source, lambda there: there[:1])


def _change_secrets(site: Site, source: UUID, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
    async def work(hub: Services) -> list[Row]:
        signed = {
            row["id"]: project
            for project, rows in (await _sources_of_all(hub)).items()
            for row in rows
            if row["channel"] != "queue"
        }
        if source not in signed:
            raise Trouble(f"there is no source {source} with a secret", do="See ./dev source list for those there are.")
        await sources.change_secrets(ProjectId(signed[source]), source, change, hub.postgres, hub.vault)
        await sources.publish_sources(hub.postgres, hub.blobs)
        return []

    site.ask(work)


def listed(site: Site) -> str:
    """Return one line a source: where to post, project, name, channel and provider."""

    async def everything(hub: Services) -> list[Row]:
        there = await _sources_of_all(hub)
        return [{**row, "project": project} for project, rows in there.items() for row in rows]

    return "\n".join(
        f"{site.base_url}/api/v1/ingest/{row['channel']}/{row['id']}  project {row['project']}  "
        f"{row['name']} ({row['channel']}, {row['provider']}{'' if row['enabled'] else ', disabled'})"
        for row in site.ask(everything)
    )


async def _sources_of_all(hub: Services) -> dict[UUID, list[Row]]:
    async with hub.postgres.sweeper() as transaction:
        projects = [ProjectId(row["id"]) for row in await transaction.all(sources.SQL["list_projects"])]
    there: dict[UUID, list[Row]] = {}
    for project in projects:
        async with hub.postgres.tenant(project) as transaction:
            there[project] = await transaction.all(SQL["list_sources"], project_id=project)
    return there


def described(base_url: str, source: SeededSource, *, raw: bool = False) -> str:
    """Return URL and secret of a new source, a signed call to paste now, and how to sign the next ones.

    A source of `raw` mail gets no call to paste: a shell would change the ends of its lines, and so the signature.
    """
    if source.channel == "queue":
        return (
            f"\n  Source  {source.id}\n\nSend to the queue external-messages; docs/queues.md has an example to paste.\n"
        )
    trial = "Post mails as they are, with content-type message/rfc822; ./dev demo does so with those of samples/raw."
    if not raw:
        call = curl(base_url + source.path, source)
        trial = f"Paste this within 5 minutes; a signature is too old after that:\n\n{call}"
    return f"""
  URL     {base_url}{source.path}
  Secret  {source.secret}

{trial}

To sign a call of your own (https://www.standardwebhooks.com): the key is the secret after `whsec_`, base64-decoded;
webhook-signature is `v1,` and base64 of the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`; webhook-id is
new for each message and the same when it is sent again; webhook-timestamp is the time in seconds since 1970.
"""


def curl(url: str, source: SeededSource) -> str:
    """Return a shell command that posts a first message to `url`, signed now."""
    body = json.dumps(EXAMPLES[source.channel] | {"sentAt": datetime.now(UTC).isoformat(timespec="seconds")})
    identifier, now = f"msg_{uuid.uuid4().hex}", int(time.time())
    signature = standard_webhooks.sign(source.secret, f"{identifier}.{now}.{body}".encode()).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }
    lines = [f"curl -i {shlex.quote(url)}", *(f"-H {shlex.quote(f'{key}: {value}')}" for key, value in headers.items())]
    return " \\\n  ".join([*lines, f"--data-binary {shlex.quote(body)}"])


PROVIDERS = ("json", "mime", "email-json", "email-mime", "chat-json")
EXAMPLES: Mapping[str, dict[str, object]] = {
    "email": {
        "from": "Ada Quill <ada.quill@example.com>",
        "to": ["shop@example.com"],
        "subject": "The clock on the stairs",
        "text": "Good morning, the clock stopped at ten past four. Could you look at it on Friday? Ada",
        "messageId": "<the-clock-on-the-stairs@example.com>",
    },
    "chat": {
        "clientId": "ada-quill",
        "conversationId": "the-clock-on-the-stairs",
        "email": "ada.quill@example.com",
        "content": "The clock stopped at ten past four. Could you look at it on Friday?",
    },
}


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev source", description="Manage the inbound sources of ./dev up, or of a hub on Azure."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="add a source; prints its URL, its secret and a signed curl to try")
    adding.add_argument("--channel", required=True, choices=["email", "chat", "queue"])
    adding.add_argument("--name", required=True, help="what people call it, once a project")
    adding.add_argument("--provider", choices=PROVIDERS, help="the wire format (default: json; of a queue, email-json)")
    adding.add_argument("--project", type=UUID, help="the project's id (default: the demo project)")
    adding.add_argument("--new-project", metavar="NAME", help="make a project for it first")
    rotating = actions.add_parser("rotate", help="give a source a new secret; the one before it is taken, too")
    rotating.add_argument("source", type=UUID, help="the source's id, the end of its URL")
    rotating.add_argument("--finish", action="store_true", help="the sender has the new one: drop the older one")
    listing = actions.add_parser("list", help="list every source")
    for each in (adding, rotating, listing):
        each.add_argument("--target", choices=["local", "azure"], default="local", help="azure: azd's environment")
    return parser.parse_args(argv)
