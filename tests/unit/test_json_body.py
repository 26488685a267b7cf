"""Our own JSON formats: a validated model, or a 4xx that names the field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.ingestion.json_body import read_json
from shared.models.webhooks import ChatIn, EmailIn

CHAT = {"clientId": "c", "conversationId": "k", "content": "hello", "sentAt": "2026-11-22T08:00:00Z"}
MAIL = {"from": "a@b.c", "to": ["d@e.f"], "messageId": "<1@b.c>", "sentAt": "2026-11-22T08:00:00+01:00"}


def refused(raw: bytes) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        read_json(raw, ChatIn)
    return refusal.value


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"", b"nul", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -1e999}', b"\xff\xfe\xff", b'{"a":1}x',
        b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000, b'{"a":' * 100_000, b"[]", b"1", b'"text"', b"null",
    ],
)  # fmt: skip
def test_what_is_not_one_json_object_is_a_400_of_the_body(raw: bytes) -> None:
    refusal = refused(raw)
    assert (refusal.status, refusal.field) == (400, "body")


def test_half_a_surrogate_pair_is_a_422_of_the_body() -> None:
    refusal = refused(json.dumps(CHAT | {"content": "\ud800"}).encode())
    assert (refusal.status, refusal.field) == (422, "body")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"clientId": None}, "clientId"),
        ({"clientId": ""}, "clientId"),
        ({"clientId": 7}, "clientId"),
        ({"conversationId": ["k"]}, "conversationId"),
        ({"content": {}}, "content"),
        ({"contentType": "html"}, "contentType"),
        ({"sentAt": "yesterday"}, "sentAt"),
        ({"sentAt": "2026-11-22T08:00:00"}, "sentAt"),
        ({"sentAt": 10**400}, "sentAt"),
        ({"direction": "sideways"}, "direction"),
        ({"attachments": {}}, "attachments"),
        ({"attachments": [{}]}, "attachments[0].filename"),
        ({"attachments": [{"filename": "a", "contentType": "b", "contentBase64": 5}]}, "attachments[0].contentBase64"),
        ({"attachments": [1] * 101}, "attachments"),
    ],
)
def test_a_wrong_field_is_a_422_that_names_it(changed: dict[str, Any], field: str) -> None:
    refusal = refused(json.dumps(CHAT | changed).encode())
    assert (refusal.status, refusal.field) == (422, field)


def test_every_missing_field_is_named_at_once() -> None:
    refusal = refused(b"{}")
    assert [error["field"] for error in refusal.errors] == ["clientId", "conversationId", "content", "sentAt"]


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    refusal = refused(json.dumps(CHAT | {"contentType": "my secret"}).encode())
    assert "my secret" not in f"{refusal} {refusal.errors}"


def test_references_come_as_a_list_or_as_the_header_has_them() -> None:
    as_list, _ = read_json(json.dumps(MAIL | {"references": ["<1>", "<2>"]}).encode(), EmailIn)
    as_text, _ = read_json(json.dumps(MAIL | {"references": "<1>\r\n <2>"}).encode(), EmailIn)
    assert as_list.references == as_text.references == ["<1>", "<2>"]


def test_the_hash_is_of_the_content_whatever_its_spacing_and_order() -> None:
    _, one = read_json(json.dumps(CHAT).encode(), ChatIn)
    _, same = read_json(json.dumps(dict(reversed(CHAT.items())), indent=3).encode(), ChatIn)
    _, other = read_json(json.dumps(CHAT | {"content": "hallo"}).encode(), ChatIn)
    _, with_unknown_field = read_json(json.dumps(CHAT | {"later": 1}).encode(), ChatIn)
    assert one == same
    assert len({one, other, with_unknown_field}) == 3


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*CHAT, "attachments", "email", "direction", "x"]), _JSON))
def test_no_json_gets_anything_but_a_model_or_a_4xx(value: dict[str, Any]) -> None:
    read = _outcome(json.dumps(CHAT | value).encode())
    assert isinstance(read, ChatIn) or (read.status in {400, 422} and read.field)


def _outcome(raw: bytes) -> ChatIn | Rejected:
    try:
        return read_json(raw, ChatIn)[0]
    except Rejected as refusal:
        return refusal


@given(st.binary(max_size=200))
def test_no_bytes_get_anything_but_a_4xx(raw: bytes) -> None:
    assert refused(raw).status in {400, 422}
