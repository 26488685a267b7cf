"""Encoded words, charsets, addresses and parameters: what no input may do to them."""

import string
from base64 import b64encode
from email.header import Header
from quopri import encodestring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ingestion.email.mime_charsets import codec_of, decoded
from shared.ingestion.email.mime_files import UNKNOWN, type_of
from shared.ingestion.email.mime_headers import MAX_FIELD_BYTES, MAX_REFERENCES, read_header, start_of_mail
from shared.ingestion.email.mime_mailboxes import MAX_MAILBOXES, Mailbox, mailboxes
from shared.ingestion.email.mime_parameters import MAX_PARAMETERS, parameters
from shared.ingestion.email.mime_parts import parts_of
from shared.ingestion.email.mime_words import words

SEEN = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
HOSTILE = st.text(st.sampled_from("=?utf-8QBb\"\\()<>@,;:*'% \r\n\0aé="), max_size=200)


@given(st.lists(SEEN, min_size=1, max_size=5), st.sampled_from(["utf-8", "iso-2022-jp", "cp1252"]))
def test_what_the_standard_library_encodes_is_read_back(parts: list[str], charset: str) -> None:
    text = " ".join(parts)
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        charset = "utf-8"
    assert words(Header(text, charset).encode())[0].split() == text.split()


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_a_character_split_over_two_words_is_whole(step: int) -> None:
    raw = "Grüße 時計 🕰".encode()
    pieces = [raw[at : at + step] for at in range(0, len(raw), step)]
    assert words(" ".join(f"=?utf-8?B?{b64encode(piece).decode()}?=" for piece in pieces))[0] == "Grüße 時計 🕰"


@given(HOSTILE)
def test_no_field_raises_or_brings_a_line_break(text: str) -> None:
    read, _ = words(text)
    assert not set(read) & set("\r\n\0")
    parameters(text)
    for each in mailboxes(text):
        assert not set(each.name) & set("\r\n\0")


@pytest.mark.parametrize(
    "unit", ["=?utf-8?Q?=41?= ", "=?a?q?", "=?", "(", '"', "<", "\\", "a@b,", "@", ";", ';a="', "*0*="]
)
def test_a_field_of_16_kib_makes_no_more_than_the_caps_allow(unit: str) -> None:
    text = (unit * MAX_FIELD_BYTES)[:MAX_FIELD_BYTES]
    assert len(words(text)[0]) <= MAX_FIELD_BYTES
    assert len(parameters(text)[1]) <= MAX_PARAMETERS
    assert len(mailboxes(text)) <= MAX_MAILBOXES + 1


@given(
    st.binary(max_size=200),
    st.sampled_from([None, "utf-8", "us-ascii", "x-nope", "koi8-r", "utf-7", "gb2312", "utf-16"]),
)
def test_any_bytes_are_text_under_any_charset(raw: bytes, charset: str | None) -> None:
    text, flags = decoded(raw, charset)
    assert isinstance(text, str)
    assert flags <= {"charset-unknown", "charset-wrong", "charset-guessed"}


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "unicode_escape", "rot13", "zlib", "base64", "undefined", "../../x", "x" * 500, ""]
)
def test_what_is_no_charset_of_mail_is_unknown(name: str) -> None:
    assert codec_of(name) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("windows-1251", "Привет"),
        ("koi8-r", "Привет"),
        ("KS_C_5601-1987", "시계"),
        ("big5", "時鐘"),
        ("Shift_JIS", "時計"),
        ("euc-jp", "時計"),
        ("iso-8859-2", "Zażółć"),
        ("cp-850", "Grüße"),
        ("'UTF-8'", "Grüße"),
        ("utf8", "Grüße"),
    ],
)
def test_names_of_charsets_are_those_that_mail_uses(name: str, text: str) -> None:
    codec = codec_of(name)
    assert codec
    assert decoded(text.encode(codec), name) == (text, set())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            '"Quill, Ada" <ada@example.com>, bob@example.com',
            [("Quill, Ada", "ada@example.com"), ("", "bob@example.com")],
        ),
        ('"a\\"b" <x@example.com>', [('a"b', "x@example.com")]),
        ("A <a@example.com> <b@example.com>", [("A", "a@example.com"), ("", "b@example.com")]),
        ('"eve@example.net" ada@example.com', [("eve@example.net", "ada@example.com")]),
        ("(ada@example.com) eve@example.net", [("ada@example.com", "eve@example.net")]),
        ("=?utf-8?Q?=22a=40example.com=22_=3Cb=40example.com=3E?=", [('a@example.com" <b@example.com>', "")]),
        ("undisclosed-recipients:;", []),
        ("<>", []),
        ("", []),
        ("mailto:ada@example.com", [("", "ada@example.com")]),
    ],
)
def test_addresses_are_found_where_programs_put_them(text: str, found: list[tuple[str, str]]) -> None:
    assert mailboxes(text) == [Mailbox(*each) for each in found]


LINES = st.sampled_from(
    (
        *(b"From: a@example.com", b"From ", b"From a: b", b">From a: b", b": x", b"Subject : x", b"Subject: x"),
        *(b" folded", b"\tx", b"X-\xff: x", b"A:", b"", b"no header", b"Content-Type: text/plain", b"=: x"),
        *(b"\x0b", b"x\0y: z", b"\x85: x"),
    )
)


@given(st.lists(LINES, max_size=8), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_the_header_ends_where_the_standard_library_ends_it(lines: list[bytes], end: bytes) -> None:
    raw = end.join([b"To: b@example.com", *lines, b"", b"body"])
    names = [name for name, _ in read_header(raw).fields if name]
    assert names == [name.lower() for name in parts_of(raw[start_of_mail(raw) :]).keys()]  # noqa: SIM118 # no mapping


def test_parameters_survive_quotes_and_pieces() -> None:
    value = "Text/Plain; a=\"b; c=d\"; CHARSET=utf-8; n*0=one; n*1=two; e*=utf-8''%C3%A4; a=second"
    assert parameters(value) == (
        "text/plain",
        {"a": "b; c=d", "charset": "utf-8", "n": "onetwo", "e": "ä"},
    )


def test_quoted_printable_words_keep_their_underscores() -> None:
    encoded = encodestring("Größe".encode(), header=True).decode()
    assert words(f"=?utf-8?q?{encoded}=5F1_2?=")[0] == "Größe_1 2"


def test_a_long_thread_keeps_its_first_mail_and_its_last() -> None:
    ids = [f"<{number}@example.com>" for number in range(MAX_REFERENCES + 50)]
    header = read_header(f"References: {' '.join(ids)}\r\n\r\n".encode())
    assert header.references == [ids[0], *ids[1 - MAX_REFERENCES :]]


@pytest.mark.parametrize("name", string.punctuation)
def test_a_field_of_any_name_makes_no_other_field(name: str) -> None:
    header = read_header(f"{name}: From: eve@example.net\r\nFrom: ada@example.com\r\n\r\n".encode())
    assert header.first("from") in (b"ada@example.com", b"")


@given(st.binary(max_size=60), st.sampled_from(["", "image/png", "application/pdf", "text/plain", "application/zip"]))
def test_a_type_is_what_was_declared_or_seen_or_nothing(raw: bytes, declared: str) -> None:
    kind, untrue = type_of(raw, declared, "a.bin")
    assert kind.count("/") == 1
    assert not untrue or kind == UNKNOWN
