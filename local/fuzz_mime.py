"""`python -m local.fuzz_mime --seconds N`: mails made of the odd ones in tests/fixtures, changed at random, and read.

Nothing but messages, a 422 or a quarantine with its reason may come of one, within 5 seconds and 512 MiB; what HTML
they have may be shown. The first error of another kind ends the run.
"""

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import UUID

from local.checkout import CHECKOUT
from local.html_hazards import hazards
from shared.errors import Contended, Permanent, Rejected
from shared.identifiers import sha256_hex
from shared.ingestion.email.mime_email import MimeEmail
from shared.models.messages import IncomingMessage
from shared.models.sources import Source

MAX_SECONDS = 5
MAX_MEMORY_MIB = 512
MAX_BYTES = 2_000_000
SEEDS = CHECKOUT / "tests" / "fixtures" / "mime"
FOUND = CHECKOUT / ".local" / "fuzz"

_WORDS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"\r\n\r\n",
        b"--b1",
        b"--b1--\r\n",
        b"; ",
        b'"',
        b"(",
        b"<",
        b">",
        b"@",
        b",",
        b":",
    ),
    *(b"=?utf-8?B?", b"=?utf-8?Q?", b"?=", b"=?iso-2022-jp?B?GyRC", b"=C3", b"=\r\n", b"\xff\xfe", b"\xc3\xa4", b"'"),
    *(b"Content-Type: multipart/mixed; boundary=b1\r\n", b"Content-Type: message/rfc822\r\n", b"charset=utf-16"),
    *(b"Content-Type: message/delivery-status\r\n", b"Content-Type: multipart/digest; boundary=b1\r\n", b"charset=hz"),
    *(b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: x-uuencode\r\n", b"begin 644 x\r\n"),
    *(b"Content-Transfer-Encoding: quoted-printable\r\n", b"Content-Disposition: attachment; filename*0*=", b"*1*="),
    *(b"<div>", b"</div>", b"<p><b x=1>", b"<img src=x onerror=1>", b"<a href='javascript:1'>", b"<svg>", b"</style>"),
    *(b"Content-Type: text/html\r\n\r\n<p>", b"<img src=cid:a>", b"<title>", b"<math><mi>", b"<table>", b"--!>"),
    *(b"<blockquote>", b"<!--", b"<script>", b"&#x110000;", b"&#", b"cid:", b"charset=utf-7", b"%00", b"utf-8''"),
    *(b"From: a@example.com\r\n", b"From ", b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n", b"References: ", b" \t"),
)
Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


@dataclass(slots=True)
class Findings:
    """What a run saw: `broken` and `slow` name the files that hold the mails."""

    mails: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    slowest_seconds: float = 0
    peak_mib: float = 0
    broken: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every promise held."""
        return not self.broken and not self.slow and self.peak_mib <= MAX_MEMORY_MIB


def _cut(chance: random.Random, mail: bytes, _: Sequence[bytes]) -> bytes:
    begin, end = sorted(chance.choices(range(len(mail) + 1), k=2))
    return mail[:begin] + mail[end:]


def _insert(chance: random.Random, mail: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(mail) + 1)
    return mail[:at] + chance.choice(_WORDS) * chance.choice((1, 1, 1, 2, 50)) + mail[at:]


def _flip(chance: random.Random, mail: bytes, _: Sequence[bytes]) -> bytes:
    changed = bytearray(mail)
    for _time in range(min(len(changed), chance.choice((1, 4, 16)))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _repeat(chance: random.Random, mail: bytes, _: Sequence[bytes]) -> bytes:
    begin = chance.randrange(len(mail) + 1)
    piece = mail[begin : begin + chance.choice((1, 3, 20, 200, 2000))]
    return mail[:begin] + piece * min(chance.choice((2, 10, 300, 5000)), MAX_BYTES // (len(piece) + 1)) + mail[begin:]


def _splice(chance: random.Random, mail: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    return mail[: chance.randrange(len(mail) + 1)] + other[chance.randrange(len(other) + 1) :]


def _shuffle(chance: random.Random, mail: bytes, _: Sequence[bytes]) -> bytes:
    lines = mail.split(b"\n")
    begin = chance.randrange(len(lines))
    some = lines[begin : begin + 8]
    chance.shuffle(some)
    return b"\n".join([*lines[:begin], *some, *lines[begin + 8 :]])


_CHANGES: tuple[Change, ...] = (_cut, _insert, _insert, _flip, _repeat, _splice, _shuffle)


def mutant(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a mail made of one or two seeds by one to five changes."""
    mail = chance.choice(seeds)
    for _ in range(chance.randint(1, 5)):
        mail = chance.choice(_CHANGES)(chance, mail, seeds)[:MAX_BYTES]
    return mail


def fuzz(seconds: float, seed: int, found: Path) -> Findings:
    """Read random mails for some seconds; those that break a promise are kept in `found`."""
    chance, provider = random.Random(seed), MimeEmail()  # noqa: S311 # draws mails, no secrets
    seeds = [path.read_bytes() for path in sorted(SEEDS.glob("*.eml"))]
    findings, outcomes = Findings(), Counter[str]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        raw = mutant(chance, seeds)
        started = time.monotonic()
        try:
            outcome = _outcome(provider, raw)
        except Exception:  # raised again: the mail that did it is kept first
            print(f"a parser's own failure: {_keep(found, raw)}", file=sys.stderr)
            raise
        took = time.monotonic() - started
        outcomes[outcome] += 1
        findings.slowest_seconds = max(findings.slowest_seconds, round(took, 3))
        if outcome not in _FINE:
            findings.broken.append(f"{outcome}: {_keep(found, raw)}")
        if took > MAX_SECONDS:
            findings.slow.append(f"{took:.1f} s: {_keep(found, raw)}")
    findings.mails, findings.outcomes = outcomes.total(), {kind: outcomes[kind] for kind in _FINE}
    findings.peak_mib = max(_own_peak_kib(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024
    return findings


_FINE = ("read", "quarantined", "refused")


def _own_peak_kib() -> int:
    """Return the most memory this process has held; `ru_maxrss` begins with what its parent held when it forked."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    own = next((line for line in lines if line.startswith("VmHWM:")), None)
    return int(own.split()[1]) if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _outcome(provider: MimeEmail, raw: bytes) -> str:
    """Return what became of a mail; one that the standard library could not parse is not fine."""
    source = Source(UUID(int=1), UUID(int=2), "email", "mime", None, ())
    try:
        keys = provider.keys(raw, source, "a delivery")
        (message,) = provider.parse(raw, source, "a delivery")
        texts = json.dumps(_texts(message), ensure_ascii=False).encode()
    except Rejected:
        return "refused"
    except Contended as error:
        return str(error)
    except Permanent as error:
        return error.reason if "can't be parsed" in error.reason else "quarantined"
    if b"\\u0000" in texts:
        return "a text holds NUL, which no store takes"
    if message.html and hazards(message.html):
        return "the HTML to show holds what may not be shown"
    return "read" if keys == [message.key] else "ingest promised another key"


def _texts(message: IncomingMessage) -> object:
    """Return all that a store is to take."""
    files = [[file.filename, file.content_type] for file in message.attachments]
    said = [message.display_name, message.subject, message.content, message.new_text, message.external_id, message.html]
    return [said, message.thread.keys(), message.sender, message.recipients, files, message.metadata]


def _keep(found: Path, raw: bytes) -> str:
    found.mkdir(parents=True, exist_ok=True)
    path = found / f"{sha256_hex(raw)[:16]}.eml"
    path.write_bytes(raw)
    return str(path)


def main(argv: Sequence[str]) -> int:
    """Print the findings as JSON; 1 when a promise was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--found", type=Path, default=FOUND)
    asked = parser.parse_args(argv)
    findings = fuzz(asked.seconds, asked.seed, asked.found)
    print(json.dumps({"seed": asked.seed} | asdict(findings), indent=1))
    return 0 if findings.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
