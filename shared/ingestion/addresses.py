"""Addresses as identities: what identifies a person, normalised, or a 422 that names the field."""

import re
from email.utils import parseaddr

from shared.errors import Rejected
from shared.models.messages import Identity

_EMAIL = re.compile(r"[^\s\x00-\x1f\x7f@<>,;]{1,64}@[^\s\x00-\x1f\x7f@<>,;]{1,255}")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")


def mailbox(text: str, *, field: str) -> tuple[str | None, Identity]:
    """Return display name and identity of `"Ada" <ada@example.com>` or `ada@example.com`."""
    try:
        name, address = parseaddr(text)
    except RecursionError:
        name = address = ""  # a thousand nested comments; no address that anyone writes
    return name.strip() or None, email_identity(address, field=field)


def email_identity(address: str, *, field: str) -> Identity:
    """Return an email address as identity: lower case, so that `Ada@` and `ada@` are one person."""
    if not _EMAIL.fullmatch(address.strip()):
        raise Rejected(422, f"{field} must be an email address, such as ada@example.com", field=field)
    return Identity("email", address.strip().lower())


def phone_identity(number: str, *, field: str) -> Identity:
    """Return a phone number as identity, E.164; spaces, dots, hyphens and brackets are dropped."""
    compact = re.sub(r"[\s().\-/]", "", number)
    if not _PHONE.fullmatch(compact):
        raise Rejected(422, f"{field} must be an international number, such as +44 20 7946 0123", field=field)
    return Identity("phone", compact)
