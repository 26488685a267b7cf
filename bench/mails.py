"""Mails as people send them, made with the standard library, each with what is to be read in it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from shared.identifiers import sha256_hex

_SENTENCES = (
    "Good morning, the clock on our stairs stopped at ten past four and I can't bring it back to life.",
    "Die Uhr schlägt zwölf, wenn es drei ist; könnten Sie sie sich am Freitag ansehen?",
    "Le colis est arrivé endommagé, la vitre est brisée et le cadran rayé.",
    "¿Podrían enviarme el presupuesto para la reparación del péndulo antes del jueves?",
    "The invoice 2026-1187 names another address than ours, please send it again.",
)
_CHARSETS = ("utf-8", "utf-8", "iso-8859-1", "cp1252")


@dataclass(frozen=True, slots=True)
class KnownMail:
    """A raw mail with its subject, the words of its text, and the hashes of its files."""

    raw: bytes
    subject: str
    words: tuple[str, ...]
    files: tuple[str, ...]


def mails(count: int, seed: int = 3) -> list[KnownMail]:
    """Return a mix: of ten mails three plain, three with HTML beside, two with files, one HTML alone, one forwarded."""
    chance = random.Random(seed)
    kinds = (_plain, _plain, _plain, _alternative, _alternative, _alternative, _files, _files, _html, _forwarded)
    return [_mail(kinds[number % len(kinds)], chance, number) for number in range(count)]


def page(characters: int, seed: int = 3) -> tuple[str, tuple[str, ...]]:
    """Return an HTML mail of that many characters, of tables and styles as newsletters are, and its words."""
    chance = random.Random(seed)
    rows: list[str] = []
    words: list[str] = []
    while sum(map(len, rows)) < characters:
        sentence = chance.choice(_SENTENCES)
        words += sentence.split()
        rows.append(
            '<tr><td style="padding:8px 16px;font-family:Arial,sans-serif" class="cell"><p style="margin:0">'
            f'<a href="https://shop.example/{len(rows)}">{sentence}</a></p></td></tr>\r\n'
        )
    head = "<html><head><title>News</title><style>.cell{color:#333}</style></head><body><table>"
    return f"{head}{''.join(rows)}</table></body></html>", tuple(words)


def _mail(
    fill: Callable[[EmailMessage, random.Random, str], list[bytes]], chance: random.Random, number: int
) -> KnownMail:
    message = EmailMessage(policy=SMTP)
    subject = f"{chance.choice(_SENTENCES)[:60]} {number}"
    message["From"] = f"Zoë Quäll <zoe{number}@example.com>"
    message["To"] = "shop@example.org, Robin Finch <robin@example.org>"
    message["Subject"] = subject
    message["Date"] = "Sun, 22 Nov 2026 08:00:00 +0100"
    message["Message-ID"] = f"<{number}@example.com>"
    message["References"] = " ".join(f"<{number}-{earlier}@example.com>" for earlier in range(number % 5))
    for hop in range(4):
        message["Received"] = (
            f"from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}]) by relay.example.org; now"
        )
    text = "\n\n".join(chance.choices(_SENTENCES, k=chance.randint(1, 12)))
    files = fill(message, chance, text)
    return KnownMail(message.as_bytes(), subject, tuple(text.split()), tuple(map(sha256_hex, files)))


def _plain(message: EmailMessage, chance: random.Random, text: str) -> list[bytes]:
    message.set_content(text, charset=chance.choice(_CHARSETS))
    return []


def _html(message: EmailMessage, chance: random.Random, text: str) -> list[bytes]:
    del chance
    body = "".join(f"<p>{line}</p>" for line in text.splitlines())
    message.set_content(f"<html><body>{body}</body></html>", subtype="html")
    return []


def _alternative(message: EmailMessage, chance: random.Random, text: str) -> list[bytes]:
    _plain(message, chance, text)
    message.add_alternative(page(chance.randint(2_000, 20_000))[0], subtype="html")
    return []


def _files(message: EmailMessage, chance: random.Random, text: str) -> list[bytes]:
    _alternative(message, chance, text)
    files = [b"%PDF-1.7" + chance.randbytes(chance.randint(5_000, 150_000)) for _ in range(chance.randint(1, 3))]
    for number, raw in enumerate(files):
        message.add_attachment(raw, maintype="application", subtype="pdf", filename=f"Größe {number}.pdf")
    return files


def _forwarded(message: EmailMessage, chance: random.Random, text: str) -> list[bytes]:
    _plain(message, chance, text)
    inner = EmailMessage(policy=SMTP)
    inner["Subject"] = "Forwarded"
    inner.set_content("What was said before.")
    message.add_attachment(inner)
    return [inner.as_bytes()]
