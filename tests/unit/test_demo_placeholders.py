import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.demo.placeholders import offset, resolve, resolve_mail

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("-3d2h15m", -(3 * 1440 + 135)), ("+1d", 1440), ("-45m", -45), ("+2h", 120), ("-1d5m", -1445), ("-0m", 0)],
)
def test_an_offset_says_days_hours_and_minutes(text: str, minutes: int) -> None:
    assert offset(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "-", "3d", "-3", "-2h3d", "-3d 2h", "-3.5h", "2026-11-22T12:00:00Z", "-d"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an offset"):
        offset(text)


@given(st.integers(0, 400), st.integers(0, 99), st.integers(0, 99))
def test_plus_and_minus_are_opposites(days: int, hours: int, minutes: int) -> None:
    size = f"{days}d{hours}h{minutes}m"

    assert offset(f"+{size}") == -offset(f"-{size}") == timedelta(days=days, hours=hours, minutes=minutes)


def test_sent_at_becomes_a_moment_with_its_zone(tmp_path: Path) -> None:
    resolved = resolve({"sentAt": "-1d"}, now=NOW, root=tmp_path)

    assert resolved == {"sentAt": "2026-11-21T12:00:00+00:00"}


def test_a_moment_inside_a_text_is_written_in_its_own_format(tmp_path: Path) -> None:
    resolved = resolve(["due {{+3d %d.%m.%Y}}, sent {{-2h %H:%M}}"], now=NOW, root=tmp_path)

    assert resolved == ["due 25.11.2026, sent 10:00"]


def test_a_named_image_becomes_its_bytes_in_base64(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    email = {"attachments": [{"filename": "@dot.png", "contentBase64": "@dot.png"}]}

    resolved = resolve(email, now=NOW, root=tmp_path)

    assert resolved["attachments"] == [{"filename": "@dot.png", "contentBase64": base64.b64encode(b"\x89PNG").decode()}]


# Six characters are one too few for a placeholder.
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text("ab@{ }", max_size=6), st.lists))
def test_what_holds_no_placeholder_stays_as_it_is(value: object) -> None:
    assert resolve(value, now=NOW, root=Path()) == value


def test_a_raw_mail_gets_its_date_its_file_and_the_line_ends_of_mail(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "dot.png").write_bytes(b"\x89PNG")
    mail = b"Date: {{-1d %a, %d %b %Y %H:%M:%S +0000}}\n\nGr\xfc\xdfe @home\n@images/dot.png\n"

    resolved = resolve_mail(mail, now=NOW, root=tmp_path)

    assert resolved == b"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\nGr\xfc\xdfe @home\r\niVBORw==\r\n"


@given(st.binary().filter(lambda mail: not {b"{", b"\n", b"@"} & {bytes([byte]) for byte in mail}))
def test_a_raw_mail_keeps_every_other_byte(mail: bytes) -> None:
    assert resolve_mail(mail, now=NOW, root=Path()) == mail
