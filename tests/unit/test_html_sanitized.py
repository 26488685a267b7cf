"""HTML that is kept to be shown: nothing in it runs, is fetched or deceives by its style."""

import json
import re
from base64 import b64encode
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.html_hazards import hazards
from shared.ingestion.email.html_depth import (
    FEW,
    MAX_COPIES,
    MAX_DEPTH,
    MAX_ENTITIES,
    MAX_STRANGE,
    MAX_TAGS,
    SMALL,
    excess,
)
from shared.ingestion.email.json_email import JsonEmail
from shared.ingestion.email.mime_mail import read_mail
from shared.ingestion.email.sanitized import MAX_BYTES, MAX_SOURCE_BYTES, sanitized
from shared.models.sources import Source

VECTORS: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "html_vectors.json").read_text(encoding="utf-8")
)
EACH = [vector for family in VECTORS.values() for vector in family]
REL = 'rel="noopener noreferrer nofollow"'
HEADER = b"From: ada@example.com\r\nSubject: Clock\r\n"
PIXEL = "data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n").decode()


def safe(html: str, **pictures: int) -> str:
    said, flags = sanitized(html, pictures)
    assert said is not None, flags
    return said


def mail(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    joined = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return HEADER + b"Content-Type: multipart/" + kind + b"; boundary=b\r\n\r\n" + joined + b"--b--\r\n"


def html(text: bytes) -> bytes:
    return b"Content-Type: text/html; charset=utf-8\r\n\r\n" + text


def plain(text: bytes) -> bytes:
    return b"Content-Type: text/plain\r\n\r\n" + text


def test_there_are_vectors_of_every_family() -> None:
    assert len(EACH) >= 100
    assert min(len(family) for family in VECTORS.values()) >= 10


@pytest.mark.parametrize("vector", EACH)
def test_nothing_that_runs_or_is_fetched_is_left(vector: str) -> None:
    for source in (vector, f"<p>before{vector}after</p>", f"<table><tr><td>{vector}</td></tr></table>", vector * 3):
        said = safe(source)
        assert hazards(said) == []
        assert safe(said) == said


@pytest.mark.parametrize("vector", EACH)
def test_what_checks_the_sanitiser_sees_what_it_is_to_remove(vector: str) -> None:
    # `<s\0cript>` is no tag to anyone.
    if "\0" not in vector:
        assert hazards(vector) != []


_PIECES = st.sampled_from(
    """<p> <div> <b> <i> <a> <table> <tr> <td> <ul> <li> <pre> <svg> <math> <style> <script> <title> <select> <mtext>
    </p> </div> </b> </i> </a> </table> </tr> </td> </ul> </li> </pre> </svg> </math> </style> </script> </title>
    </select> <mglyph> <template> <noscript> </noscript> <textarea> <foreignobject> <br <!-- --> --!> <![CDATA[ ]]> < >
    " ' = & / x &lt; &#60; javascript: https://e.example style= onerror=""".split()  # noqa: SIM905 # as one reads them
)
_SPACED = st.sampled_from(["<a href='", "<img src=x onerror=", "<img alt='", " style=", " ", "\n", "\r", "\u2028"])


@given(st.lists(_PIECES | _SPACED | st.text(max_size=4), max_size=40).map("".join))
def test_safe_html_is_safe_and_stays_as_it_is(source: str) -> None:
    said, flags = sanitized(source.replace("\0", "").encode("utf-8", "replace").decode(), {})
    if said is None:
        assert flags
    else:
        assert (hazards(said), sanitized(said, {})) == ([], (said, set()))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<p>Dear <b>Ada</b></p>", "<p>Dear <b>Ada</b></p>"),
        ("<a href='HTTPS://e.example/?a&b'>x</a>", f'<a href="HTTPS://e.example/?a&amp;b" {REL}>x</a>'),
        ("<a href=' mailto:a@example.com\n'>x</a>", f'<a href="mailto:a@example.com" {REL}>x</a>'),
        ("<a href=tel:+4930123>x</a>", f'<a href="tel:+4930123" {REL}>x</a>'),
        ("<img src='https://t.example/p' alt='Our shop' width=40>", '<img width="40" alt="Our shop">'),
        (f"<img src='{PIXEL}'>", f'<img src="{PIXEL}">'),
        ("<p dir=rtl style=color:red class=x id=y>x</p>", '<p dir="rtl">x</p>'),
        ("<td colspan=2>x</td>", "x"),
        ("<pre>" + "\n" * 20 + "x</pre>", "<pre>x</pre>"),
        ("<style>p{}</style><title>t</title>x", "x"),
        ("2 &lt; 3 &amp; 4", "2 &lt; 3 &amp; 4"),
    ],
)  # fmt: skip
def test_what_a_mail_says_stays(source: str, shown: str) -> None:
    assert safe(source) == shown


@pytest.mark.parametrize("address", ["cid:Logo@1", "CID:logo%401", " cid:LOGO@1 "])
def test_a_picture_of_the_mail_is_named_by_its_position(address: str) -> None:
    assert sanitized(f"<img src='{address}'>", {"logo@1": 7})[0] == '<img src="attachment:7">'
    assert safe(f"<img src='{address}'>") == "<img>"


BOMBS = {
    "deep": "<div>" * (MAX_DEPTH + 1),
    "a hundred thousand deep": "<div>" * 100_000,
    "deep in spite of end tags of others": "<div><span></div>" * (MAX_DEPTH + 1),
    "end tags in comments": "<div><!--</div>-->" * (MAX_DEPTH + 1),
    "end tags in comments that ended": "<!--><div>--><!--</div>-->" * (MAX_DEPTH + 1),
    "end tags in values": '<div><a title="</div>"></a>' * (MAX_DEPTH + 1),
    "a quote that is part of a name": '<div ="><div ="></div>' * (MAX_DEPTH + 1),
    "end tags in a title": "<div><title></div></title>" * (MAX_DEPTH + 1),
    "a comment that began in a style": "<style><!--</style><div>--></style>" * (MAX_DEPTH + 1),
    "end tags of what is outside the table": "<div><table></div></table>" * (MAX_DEPTH + 1),
    "end tags in a list of choices": "<div><select></div></select>" * (MAX_DEPTH + 1),
    "end tags out of reach": "<div><object></div></object>" * (MAX_DEPTH + 1),
    "a script in a script": "<div><script><!--<script></script></div>--></script>" * (MAX_DEPTH + 1),
    "inline tags that blocks copy": "<p>" + "".join(f"<b x={n}>" for n in range(900)) + "<p>x" * 900,
}
TOO_LARGE = {
    "a mebibyte": "x" * (MAX_SOURCE_BYTES + 1),
    "a mebibyte of two-byte letters": "ä" * (MAX_SOURCE_BYTES // 2 + 1),
    "more to show than is kept": "x" * (MAX_BYTES + 1),
    "less that becomes more": "<" * (MAX_BYTES // 4 + 1),
    "many tags": "<p>" * (MAX_TAGS + 1),
    "many entities": "&" * (MAX_ENTITIES + 1),
    "a tag of many attributes": "<p " + " ".join(f"a{n}" for n in range(100_000)) + ">",
    "much of what can't be told": "<svg>" + "x" * (MAX_STRANGE + 1),
}


@pytest.mark.parametrize(
    "worst", ["<div>" * FEW, "<p>" + "".join(f"<b x={n}>" for n in range(FEW // 2)) + "<p>x" * (FEW // 2 - 1)]
)
def test_no_bomb_fits_into_what_is_not_scanned(worst: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(worst) < SMALL
    monkeypatch.setattr("shared.ingestion.email.html_depth.FEW", 0)
    assert excess(worst) is None


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_what_nests_too_deep_never_meets_a_parser(bomb: str) -> None:
    assert excess(bomb) == "html-too-deep"
    assert sanitized(bomb, {}) == (None, {"html-too-deep"})


@pytest.mark.parametrize("source", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_is_too_large_is_not_kept(source: str) -> None:
    assert sanitized(source, {}) == (None, {"html-too-large"})


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * (MAX_DEPTH - 1),
        "<table><tr><td><p>a<p>b<li>c</td></tr></table>" * 3_000,
        "<b>x</b><br><img>" * 10_000,
        "<!--[if mso]><table><tr><td><![endif]--><div>x</div>" * 1_000,
        "<style>div > p { }</style><title>a</title>" * 1_000,
        "<svg>" + "<path>" * (MAX_DEPTH - 2),
    ],
)
def test_what_real_mails_do_is_not_too_deep(source: str) -> None:
    assert excess(source) is None


def depth_of(written: str) -> int:
    """How deep the elements of a serializer's HTML are nested."""
    deepest = depth = 0
    for slash, name in re.findall(r"<(/?)([a-z][^\s>]*)", written):
        if name not in {"br", "img", "hr", "col"}:
            depth += -1 if slash else 1
            deepest = max(deepest, depth)
    return deepest


_NAMES = st.sampled_from(
    """p li div span b a x table tr td dd dl ul h1 br form button style title script svg math select object""".split()  # noqa: SIM905 # as one reads them
)
_TAGS = _NAMES.map("<{}>".format) | _NAMES.map("</{}>".format)
_MARKS = st.sampled_from(["<!--", "-->", "--!>", "<!-->", '"', "'", " a=", "<a title='", ">", "</", "<![CDATA[", "]]>"])


@given(st.lists(_TAGS | _TAGS | _MARKS, min_size=1, max_size=9).map("".join))
def test_no_tree_is_deeper_than_the_scan_says(unit: str) -> None:
    import nh3

    source = unit * (MAX_DEPTH + 100)
    if excess(source) is None:
        everything = {"p", "li", "div", "span", "b", "a", "x", "table", "tbody", "tr", "td", "dd", "dl", "ul", "h1"}
        written = nh3.clean(source, tags=everything | {"form", "button", "object"}, clean_content_tags=set())
        assert depth_of(written) <= MAX_DEPTH + 10


def test_of_alternatives_the_html_is_kept_and_the_plain_text_is_read() -> None:
    said = read_mail(mail(plain(b"plain"), html(b"<p onclick=x>rich</p>"), kind=b"alternative"))
    assert (said.text, said.html) == ("plain", "<p>rich</p>")


def test_html_around_a_picture_and_plain_text_is_one_page() -> None:
    picture = b"Content-Type: image/png\r\nContent-ID: <Logo@1>\r\n\r\n\x89PNG\r\n\x1a\n"
    said = read_mail(mail(html(b"<p>a<img src=cid:logo@1>"), picture, plain(b"1 < 2"), html(b"<p>c")))
    assert said.html == '<p>a<img src="attachment:0"></p><hr><pre>1 &lt; 2</pre><hr><p>c</p>'


@pytest.mark.parametrize("parts", [(plain(b"only text"),), (html(b"<style>p{}</style>"),)])
def test_a_mail_without_html_to_show_has_none(parts: tuple[bytes, ...]) -> None:
    assert read_mail(mail(*parts)).html is None


@pytest.mark.parametrize("flag", ["html-too-deep", "html-too-large"])
def test_a_mail_whose_html_passes_a_cap_is_read_and_says_so(flag: str) -> None:
    source = "<p>x" + ("<i>" * (MAX_DEPTH + 1) if flag == "html-too-deep" else "x" * MAX_SOURCE_BYTES)
    said = read_mail(mail(html(source.encode())))
    assert (said.html, said.text[:1]) == (None, "x")
    assert flag in said.flags


def test_two_parts_that_are_too_large_together_are_not_kept() -> None:
    half = b"x" * (MAX_BYTES // 2)
    said = read_mail(mail(html(half), html(half)))
    assert said.html is None
    assert "html-too-large" in said.flags


@pytest.mark.parametrize(
    ("source", "shown", "flags"),
    [
        ("<p onclick=x>a</p>", "<p>a</p>", None),
        ("<i>" * (MAX_DEPTH + 1), None, ["html-too-deep"]),
        ("<script>", None, None),
    ],
)
def test_json_mail_has_its_html_made_safe_after_it_was_accepted(source: str, shown: str | None, flags: object) -> None:
    said = {"from": "a@example.com", "to": ["b@example.com"], "messageId": "1", "sentAt": "2026-01-01T00:00:00Z"}
    raw = json.dumps(said | {"html": source}).encode()
    provider, origin = JsonEmail(), Source(UUID(int=1), UUID(int=2), "email", "json_email", None, ())
    (message,) = provider.parse(raw, origin, "")
    assert (message.html, message.metadata.get("flags")) == (shown, flags)
    assert provider.keys(raw, origin, "") == [message.key]


def test_a_scan_that_counts_copies_allows_what_people_write() -> None:
    assert excess("<p><b><i>x</i></b></p>" * (MAX_COPIES // 40)) is None
