"""Reading raw mails against the standard library's own parser, and HTML as text against a browser's tree."""

import time
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from statistics import median

from bench.figures import Figure, Result, paired_ratio
from bench.mails import KnownMail, mails, page
from bench.progress import say
from shared.identifiers import sha256_hex
from shared.ingestion.email.html import html_to_text
from shared.ingestion.email.mime_reader import MailReader

GOAL = 1.2
MAILS = 300
ROUNDS = 5
PAGE_CHARACTERS = 60_000
PAGE_ROUNDS = 30
MILLISECONDS = 1000

Said = tuple[str, list[str], list[str]]
_READER = MailReader()


def measure() -> Result:
    """Read the same mails with both parsers in turns; the first round, which warms caches, counts for correctness."""
    known = mails(MAILS)
    parsers: dict[str, Callable[[bytes], Said]] = {"stdlib": stdlib, "ours": ours}
    right = {name: sum(_is_right(read(mail.raw), mail) for mail in known) for name, read in parsers.items()}
    rates: dict[str, list[float]] = {name: [] for name in parsers}
    for number in range(1, ROUNDS + 1):
        for name, read in parsers.items():
            rates[name].append(len(known) / _seconds(read, [mail.raw for mail in known]))
        say(f"  round {number} of {ROUNDS}")
    return compare(rates, right, pages())


def compare(rates: dict[str, list[float]], right: dict[str, int], page_ms: dict[str, float]) -> Result:
    """Return the result of rates a second and of right mails, both by parser, and of one page by extractor."""
    names = {"stdlib": "email, policy.default (limit)", "ours": "MailReader"}
    rows = [(names[name], f"{median(each):.0f}", f"{right[name]} of {MAILS}", "") for name, each in rates.items()]
    rows += [(f"HTML as text: {name}", "", "", f"{took:.2f}") for name, took in page_ms.items()]
    return Result(
        figure=Figure("mime_vs_stdlib", paired_ratio(rates["ours"], rates["stdlib"]), GOAL, "at least"),
        columns=("", "mails/s", "right", "ms for 60 kB"),
        rows=tuple(rows),
        notes=(
            f"{MAILS} made mails a round, {ROUNDS} rounds in turns, medians; the ratio is the median of the rounds'.",
            "Right: subject, every word of the text and the bytes of every file. Both read headers, text and files;",
            "ours also checks caps, reads addresses and ids, sniffs types, makes HTML safe and finds what it hides.",
        ),
        measured={
            "mime_messages_per_s": median(rates["ours"]),
            "mime_right_share": right["ours"] / MAILS,
            "html_to_text_ms_60k": page_ms["html_to_text"],
            "html_to_text_ms_60k_selectolax": page_ms["selectolax"],
        },
    )


def pages() -> dict[str, float]:
    """Return the median milliseconds that an HTML mail of 60 000 characters takes, by extractor."""
    html, words = page(PAGE_CHARACTERS)
    assert tuple(html_to_text(html).split()) == words
    extractors = {"html_to_text": html_to_text, "selectolax": selectolax}
    times: dict[str, list[float]] = {name: [] for name in extractors}
    for _ in range(PAGE_ROUNDS):
        for name, extract in extractors.items():
            times[name].append(_seconds(extract, [html]) * MILLISECONDS)
    return {name: median(each) for name, each in times.items()}


def ours(raw: bytes) -> Said:
    """Read a mail as store_message does."""
    mail = _READER.read(raw)
    return mail.subject, mail.text.split(), [sha256_hex(file.raw) for file in mail.files]


def stdlib(raw: bytes) -> Said:
    """Read a mail as the standard library's manual does; HTML without a plain text is left as it is."""
    mail = message_from_bytes(raw, policy=default)
    for name in ("from", "to", "date", "message-id", "references"):
        str(mail[name])
    body = mail.get_body(preferencelist=("plain", "html"))
    text = body.get_content() if body else ""
    if body and body.get_content_type() == "text/html":
        text = html_to_text(text)
    files = [_bytes(part) for part in mail.iter_attachments()]
    return str(mail["subject"]), text.split(), list(map(sha256_hex, files))


def _bytes(part: object) -> bytes:
    assert isinstance(part, EmailMessage)
    if part.get_content_type() == "message/rfc822":
        return bytes(part.get_content().as_bytes(policy=SMTP))
    return bytes(part.get_payload(decode=True) or b"")


def selectolax(html: str) -> str:
    """Return the text of a tree built as browsers do."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    for node in tree.css("script, style, title, template, noscript, svg"):
        node.decompose()
    return tree.body.text(separator="\n") if tree.body else ""


def _seconds(read: Callable[[bytes], Said] | Callable[[str], str], inputs: Sequence[bytes] | Sequence[str]) -> float:
    started = time.perf_counter()
    for each in inputs:
        read(each)  # type: ignore[arg-type] # mails to their parsers, pages to theirs
    return time.perf_counter() - started


def _is_right(said: Said, mail: KnownMail) -> bool:
    subject, words, files = said
    return subject == mail.subject and tuple(words) == mail.words and tuple(files) == mail.files
