import asyncio
import dataclasses
import json
import subprocess
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from local.sources import Site, add, add_secret, described, keep_newest_secret, listed, main, running
from local.stack.ports import free_port
from local.stack.stack import Stack
from local.trouble import Trouble
from shared.clock import Clock
from shared.errors import Rejected
from shared.ingestion.provider import WebhookRequest
from shared.models.messages import Channel
from shared.services import Services
from shared.settings import Settings

URL = "http://127.0.0.1:7071"


class Fixed:
    """A clock that stands."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def site(stack: Stack) -> Site:
    """The stack of the tests, as `./dev up` would leave it to other commands."""
    return Site(stack.settings | {"PUBLIC_BASE_URL": URL}, stack.owner_dsn())


def pasted(text: str) -> tuple[str, WebhookRequest]:
    """What a shell makes of the printed curl: the URL and the request."""
    command = "curl " + text.partition("\ncurl ")[2].partition("\n\n")[0]
    shown = command.replace("curl", "printf '%s\\0'", 1)
    words = subprocess.run(["sh", "-c", shown], check=True, capture_output=True, text=True).stdout.split("\0")[:-1]
    options = list(zip(words[2::2], words[3::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    body = next(value for option, value in options if option == "--data-binary")
    return words[1], WebhookRequest(headers, {}, body.encode())


async def answer(stack: Stack, channel: Channel, url: str, request: WebhookRequest, clock: Clock | None = None) -> int:
    hub = Services(Settings(**stack.settings), clock)  # type: ignore[arg-type] # names and texts as in the environment
    try:
        return (await hub.ingest.receive(channel, url.rpartition("/")[2], request)).status
    finally:
        await hub.close()


@pytest.mark.parametrize("channel", ["email", "chat"])
def test_the_printed_curl_is_accepted_by_the_source_it_was_printed_for(
    stack: Stack, site: Site, channel: Channel
) -> None:
    source = add(site, site.demo_project, channel=channel, name=f"Second {channel}")
    url, request = pasted(described(URL, source))
    assert url == f"{URL}/api/v1/ingest/{channel}/{source.id}"
    assert asyncio.run(answer(stack, channel, url, request)) == 202


def test_a_source_of_raw_mail_says_what_to_post_instead(site: Site) -> None:
    source = add(site, site.demo_project, channel="email", name="Raw", provider="mime")
    shown = described(URL, source, raw=True)
    assert "message/rfc822" in shown
    assert source.secret in shown
    assert "curl" not in shown


def test_the_printed_curl_is_refused_when_changed_or_late(stack: Stack, site: Site) -> None:
    source = add(site, site.demo_project, channel="email", name="Tried too late")
    url, request = pasted(described(URL, source))
    changed = WebhookRequest(request.headers, {}, request.raw.replace(b"Ada", b"Eve"))
    with pytest.raises(Rejected, match="no signature"):
        asyncio.run(answer(stack, "email", url, changed))
    with pytest.raises(Rejected, match="5 minutes"):
        asyncio.run(answer(stack, "email", url, request, Fixed(datetime.now(UTC) + timedelta(minutes=6))))


def test_the_list_shows_the_new_source_and_never_its_secret(site: Site) -> None:
    source = add(site, site.demo_project, channel="chat", name="Shop window")
    shown = listed(site)
    assert f"{URL}{source.path}" in shown
    assert "Shop window (chat, json)" in shown
    assert "whsec_" not in shown


def test_a_name_is_given_once_a_project(site: Site) -> None:
    add(site, site.demo_project, channel="chat", name="Front desk")
    with pytest.raises(Trouble, match="'Front desk' already"):
        add(site, site.demo_project, channel="email", name="Front desk")


def test_while_a_secret_is_changed_both_are_taken_and_then_the_new_one_alone(
    stack: Stack, site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("local.sources.running", lambda _: site)
    source = add(site, site.demo_project, channel="chat", name="Changes its secret")
    main(["rotate", str(source.id)])
    secret = capsys.readouterr().out.partition("Secret  ")[2].partition("\n")[0]
    url, old = pasted(described(URL, source))
    _, new = pasted(described(URL, dataclasses.replace(source, secret=secret)))
    assert [asyncio.run(answer(stack, "chat", url, request)) for request in (old, new)] == [202, 202]
    main(["rotate", str(source.id), "--finish"])
    assert asyncio.run(answer(stack, "chat", url, new)) == 202
    with pytest.raises(Rejected, match="no signature"):
        asyncio.run(answer(stack, "chat", url, old))


def test_no_more_than_two_secrets_of_a_source_are_taken(stack: Stack, site: Site) -> None:
    source = add(site, site.demo_project, channel="chat", name="Changes it twice")
    url, first = pasted(described(URL, source))
    for _ in range(2):
        add_secret(site, source.id)
    with pytest.raises(Rejected, match="no signature"):
        asyncio.run(answer(stack, "chat", url, first))


def test_a_source_without_a_secret_gets_none(site: Site) -> None:
    queue = add(site, site.demo_project, channel="queue", name="Trusted by Azure", provider="chat-json")
    for unknown in (queue.id, uuid4()):
        with pytest.raises(Trouble, match=f"no source {unknown} with a secret"):
            keep_newest_secret(site, unknown)


def test_an_unknown_project_is_named(site: Site) -> None:
    unknown = uuid4()
    with pytest.raises(Trouble, match=f"no project {unknown}") as told:
        add(site, unknown, channel="chat", name="Nowhere")
    assert "./dev source list" in told.value.do


def test_a_stack_that_does_not_answer_yet_is_waited_for(site: Site) -> None:
    starting = Site(site.settings, f"host=127.0.0.1 port={free_port()} dbname=hub user=hub_owner")
    with pytest.raises(Trouble, match="does not answer yet") as told:
        starting.demo_project  # noqa: B018 # asking is the work
    assert "./dev up" in told.value.do


def test_the_settings_of_a_running_stack_are_found_in_its_state(stack: Stack, site: Site) -> None:
    (stack.state / "local.settings.json").write_text(json.dumps({"Values": dict(site.settings)}))
    assert running(stack.state) == site


def test_a_source_may_bring_a_new_project(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("local.sources.deployed_site", lambda: site)
    name = f"Shop {uuid4()}"
    main(["add", "--target", "azure", "--channel", "email", "--name", "support", "--new-project", name])
    project = capsys.readouterr().out.partition("Project ")[2].partition(" ")[0]
    assert f"project {project}  support (email, json)" in listed(site)


def test_on_azure_there_is_no_demo_project(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.sources.deployed_site", lambda: site)
    with pytest.raises(Trouble, match="no demo project"):
        main(["add", "--target", "azure", "--channel", "email", "--name", "support"])
