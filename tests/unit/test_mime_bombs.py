"""Mails made to exhaust a parser: too large to be files, and each ends as a quarantine or as a mail."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Contended, Permanent
from shared.ingestion.email.mime_mail import read_mail, to_bytes
from shared.ingestion.email.mime_reader import MailReader, is_suspicious

HEADER = b"From: ada@example.com\r\nSubject: Clock\r\nMessage-ID: <1@example.com>\r\n"
WORDS = b" =?utf-8?Q?=41?="


def mixed(body: bytes) -> bytes:
    return HEADER + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + body


def nested(depth: int) -> bytes:
    heads = [b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(depth)]
    return HEADER + b"".join(heads) + b"\r\ndeep"


def messages_in_messages(depth: int) -> bytes:
    return HEADER + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"deep"


QUARANTINED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a subject of 16,000 encoded words": (lambda: b"Subject:" + WORDS * 16_000 + b"\r\n" + HEADER + b"\r\n", "128 KiB"),
    "a subject of 32,000 folded words": (
        lambda: b"Subject:" + (WORDS + b"\r\n") * 32_000 + HEADER + b"\r\n",
        "128 KiB",
    ),
    "a header without end": (lambda: HEADER + b"X: " + b"x" * 9_000_000, "128 KiB"),
    "a hundred thousand fields": (lambda: HEADER + b"A:\r\n" * 100_000 + b"\r\n", "500 header fields"),
    "twenty thousand parts": (lambda: mixed(b"--b\r\n\r\nx\r\n" * 20_000), "200 parts"),
    "a thousand levels": (lambda: nested(1_000), "200 parts|20 deep"),
    "a thousand levels of one boundary": (
        lambda: mixed(b'--b\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' * 5_000),
        "200 parts|20 deep",
    ),
    "a part of a million fields": (lambda: mixed(b"--b\r\n" + b"A:\r\n" * 1_000_000), "500 header fields"),
}
READ: dict[str, Callable[[], bytes]] = {
    "a thousand messages in messages": lambda: messages_in_messages(1_000),
    "a status of a million lines": lambda: (
        HEADER + b"Content-Type: message/delivery-status\r\n\r\n" + b"\r\n" * 1_000_000
    ),
    "a million boundaries of nothing": lambda: mixed(b"--\r\n" * 1_000_000),
    "two million lines": lambda: HEADER + b"\r\n" + b"\n" * 2_000_000,
    "nested comments": lambda: b"To: " + b"(" * 8_000 + b"\r\n" + HEADER + b"\r\nHello",
    "quotes in a type": lambda: HEADER + b"Content-Type: text/plain; a=" + b'";' * 8_000 + b"\r\n\r\nHello",
    "quotes in a part's type": lambda: mixed(
        b"--b\r\nContent-Type: text/plain; a=" + b'";' * 200_000 + b"\r\n\r\nHello\r\n--b--"
    ),
    "words that never end": lambda: b"Subject: " + b"=?utf-8?Q?" * 1_500 + b"\r\n" + HEADER + b"\r\nHello",
    "a file of twenty megabytes": lambda: mixed(
        b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + b64encode(b"%PDF" + b"x" * 15_000_000)
    ),
    "html of a million levels": lambda: HEADER + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 900_000 + b"x",
}  # fmt: skip


@pytest.mark.parametrize("name", QUARANTINED)
def test_a_bomb_ends_as_a_quarantine(name: str) -> None:
    make, reason = QUARANTINED[name]
    with pytest.raises(Permanent, match=reason):
        MailReader().read(make())


@pytest.mark.parametrize("name", READ)
def test_a_bomb_without_powder_is_read(name: str) -> None:
    mail = MailReader().read(READ[name]())
    assert mail.sender == "ada@example.com"
    assert mail.message_id == "<1@example.com>"


def test_what_is_suspicious_is_read_in_a_process_and_reads_the_same() -> None:
    raw = mixed(b"--b\r\n\r\nHello\r\n" * 120)
    assert is_suspicious(raw)
    assert MailReader().read(raw) == read_mail(raw)


def test_an_ordinary_mail_is_not_suspicious() -> None:
    assert not is_suspicious(mixed(b"--b\r\n\r\nHello\r\n--b--\r\n"))


def child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the process that parses run something else."""
    run = subprocess.run

    def other(command: list[str], **options: Any) -> Any:
        assert command[0] == sys.executable
        return run([sys.executable, "-c", f"import shared.ingestion.email.mime_child as child\n{code}"], **options)

    monkeypatch.setattr("shared.ingestion.email.mime_reader.subprocess.run", other)


LARGE = HEADER + b"\r\n" + b"x" * 6_000_000


@pytest.mark.parametrize(
    "code",
    [
        "child.read_mail = lambda raw: bytearray(600 * 1024 * 1024)\nchild.main()",
        "child.MAX_CPU_SECONDS = 1\ndef spin(raw):\n    while True: pass\nchild.read_mail = spin\nchild.main()",
        "child.read_mail = lambda raw: open('{folder}/bomb', 'w').write('x')\nchild.main()",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "",
    ],
    ids=["memory", "processor time", "a file", "a crash", "no answer"],
)
def test_a_process_that_passes_its_limits_is_a_quarantine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    child(monkeypatch, code.replace("{folder}", str(tmp_path)))
    with pytest.raises(Permanent, match="more memory or time than is allowed"):
        MailReader().read(LARGE)


def test_a_process_sees_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEYS", "secret")
    code = "import os\ndef told(raw): raise child.Permanent(' '.join(os.environ))\nchild.read_mail = told\nchild.main()"
    child(monkeypatch, code)
    with pytest.raises(Permanent) as refusal:
        MailReader().read(LARGE)
    assert "PYTHONPATH" in refusal.value.reason
    assert "SECRET_KEYS" not in refusal.value.reason


def test_a_machine_without_time_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ingestion.email.mime_reader._DEADLINE_SECONDS", 0.5)
    child(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(Contended):
        MailReader().read(LARGE)


def test_a_machine_without_processes_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ingestion.email.mime_reader.sys.executable", "/nowhere/python")
    with pytest.raises(Contended):
        MailReader().read(LARGE)


def test_a_mail_travels_between_processes_as_json_and_bytes() -> None:
    mail = read_mail(
        mixed(b"--b\r\n\r\nHello\r\n--b\r\nContent-Type: image/png; name=a.png\r\n\r\n\x89PNG\r\n\x1a\n\n--b--")
    )
    assert to_bytes(mail).startswith(b'{"mail": {')
    assert to_bytes(mail).endswith(b"\x89PNG\r\n\x1a\n")
