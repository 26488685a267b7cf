"""One module per command, each with `main(argv) -> exit code`."""

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "demo": "send the sample emails and chats through a stack of their own and show what became of them",
    "up": "run everything here until Ctrl-C, data is kept: ./dev up [--model auto | offline | openai | scripted]",
    "test": "run the tests: ./dev test [pytest arguments]",
    "check": "check format, lint, types and the direction of imports",
    "check-infra": "check infra/ without Azure: syntax, keys off, stores closed, roles, checkov",
    "bench": "measure: ./dev bench [name] [--json]",
    "fuzz": "feed the mail parser random hostile mails: ./dev fuzz mime [--seconds N] [--seed N]",
    "nightly": "crash every failpoint many times, run the sync machine: ./dev nightly [times [seeds]]",
    "migrate": "move the schema of ./dev up: ./dev migrate [up | down | REVISION]",
    "azure": "a step of a deployment, as azd's hooks do it: ./dev azure who | prepare | package | health | rotate-key",
    "source": "add an inbound source: ./dev source add --channel email|chat|queue --name NAME [--target azure]",
    "project": "caps and keeping of model calls: ./dev project list | set [--daily-tokens N] … [--target azure]",
    "help": "show this list",
}
"""Every command in the order of the help, with what it does."""
