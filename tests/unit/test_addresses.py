"""Addresses as identities: one spelling a person, or a 422 that names the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.ingestion.addresses import email_identity, mailbox, phone_identity
from shared.models.messages import Identity


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ada@example.com", None, "ada@example.com"),
        ("Ada <ADA@Example.COM>", "Ada", "ada@example.com"),
        ('"Byron, Ada" <ada@example.com>', "Byron, Ada", "ada@example.com"),
        ("  ada@example.com ", None, "ada@example.com"),
        ("Zoë <zoë@exämple.de>", "Zoë", "zoë@exämple.de"),
        ("ada@example.com (Ada)", "Ada", "ada@example.com"),
    ],
)
def test_a_mailbox_is_a_name_and_an_address_in_lower_case(text: str, name: str | None, address: str) -> None:
    assert mailbox(text, field="from") == (name, Identity("email", address))


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@example.com", "ada@", "Ada <>", "a@b@c", "a b@c.d", "a\0@b.c", "a\x7f@b.c", "(" * 999, '"' * 999,
     "a" * 65 + "@b.c", "a@" + "b" * 256],
)  # fmt: skip
def test_what_is_no_address_is_a_422_that_names_the_field(text: str) -> None:
    with pytest.raises(Rejected) as refusal:
        mailbox(text, field="to[3]")
    assert (refusal.value.status, refusal.value.field) == (422, "to[3]")


@given(st.text(max_size=1000))
def test_no_text_gets_anything_but_a_storable_identity_or_a_422(text: str) -> None:
    try:
        _, identity = mailbox(text, field="from")
    except Rejected:
        return
    assert "\0" not in identity.value
    assert len(identity.value) <= 600


def test_one_address_has_one_identity() -> None:
    assert email_identity(" Ada@Example.com ", field="email") == email_identity("ada@example.com", field="email")


@pytest.mark.parametrize("number", ["+44 20 7946 0123", "+44 (20) 7946-0123", "+44.20.7946.0123", "+442079460123"])
def test_a_phone_number_is_e164_however_it_is_written(number: str) -> None:
    assert phone_identity(number, field="phone") == Identity("phone", "+442079460123")


@pytest.mark.parametrize(
    "number", ["020 7946 0123", "+0123456789", "+44", "+" + "1" * 16, "+44abc", "٤٤٢٠٧٩٤٦٠١٢٣+", ""]
)
def test_a_number_that_is_not_international_is_a_422(number: str) -> None:
    with pytest.raises(Rejected) as refusal:
        phone_identity(number, field="phone")
    assert (refusal.value.status, refusal.value.field) == (422, "phone")
