import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import main
from local.checkout import CHECKOUT
from local.fuzz_mime import MAX_BYTES, SEEDS, Findings, fuzz, mutant
from shared.ingestion.email.mime_email import MimeEmail


def test_random_hostile_mails_break_no_promise(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.fuzz_mime", "--seconds", "8", "--found", str(tmp_path)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    findings = json.loads(done.stdout)
    assert findings["mails"] > 20
    assert findings["outcomes"]["read"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_seed_makes_the_same_mails_again() -> None:
    seeds = [path.read_bytes() for path in sorted(SEEDS.glob("*.eml"))]
    first, again = ([mutant(chance, seeds) for _ in range(50)] for chance in (random.Random(7), random.Random(7)))
    assert first == again
    assert max(map(len, first)) <= MAX_BYTES


def test_a_mail_that_breaks_the_parser_is_kept_and_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> list[object]:
        raise ZeroDivisionError

    monkeypatch.setattr(MimeEmail, "parse", fails)
    with pytest.raises(ZeroDivisionError):
        fuzz(60, 1, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("broken", [{"broken": ["x"]}, {"slow": ["x"]}, {"peak_mib": 513}])
def test_a_broken_promise_is_no_clean_run(broken: dict[str, object]) -> None:
    assert Findings().clean
    assert not Findings(**broken).clean  # type: ignore[arg-type] # as the cases say


def test_what_can_not_be_fuzzed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fuzz", "moon"]) == 1
    assert "'moon'" in capsys.readouterr().err
