"""What is new in a reply: its text without quoted lines, what announces them, and the mail that Outlook puts below."""

import re

# One line that ends in a colon and names a writing, in the languages of the samples; line by line, so linear in time.
_ATTRIBUTION = re.compile(
    r"^(on|am|le|el|il|op|em|den|dnia)\b.{0,300}(wrote|schrieb|écrit|escribió|scritto|schreef|escreveu|skrev|napisał).{0,100}:$",
    re.IGNORECASE,
)


_RULE = re.compile(
    r"_{20,}|-{2,}\s*(original message|ursprüngliche nachricht|message d.origine|mensaje original|messaggio originale"
    r"|oorspronkelijk bericht|mensagem original)\s*-{2,}",
    re.IGNORECASE,
)
_FROM, _SENT, _SUBJECT = (
    re.compile(rf"\*?({names})\s*:\*?\s", re.IGNORECASE)
    for names in (
        "from|von|de|da|van|från|fra|od",
        "sent|date|gesendet|datum|envoyé|enviad[oa]( el| em)?|fecha|inviato|data|verzonden|skickat|sendt|wysłano",
        "subject|betreff|objet|asunto|oggetto|onderwerp|assunto|ämne|emne|temat",
    )
)
_BLOCK_LINES = 8  # from, sent, to, copies and subject, with blank lines between


def without_quotes(text: str) -> str:
    """Return `text` without lines that begin with `>` and without one attribution line directly before them.

    From the header that Outlook puts above the mail it answers, everything goes. A message that is only quotes, or
    only forwarded, comes back whole: an empty text would hide that something was sent.
    """
    lines = _above_the_answered(text.splitlines())
    first = next((number for number, line in enumerate(lines) if line.startswith(">")), None)
    if first is None:
        return "\n".join(lines).strip() if len(lines) < len(text.splitlines()) else text.strip()
    before = first - 1
    while before >= 0 and not lines[before].strip():
        before -= 1
    attribution = before if before >= 0 and _ATTRIBUTION.match(lines[before].strip()) else None
    kept = [line for number, line in enumerate(lines) if not line.startswith(">") and number != attribution]
    return "\n".join(kept).strip() or text.strip()


def _above_the_answered(lines: list[str]) -> list[str]:
    """Return the lines above the header of an answered mail, all of them where nothing is above it."""
    for number, line in enumerate(lines):
        if _FROM.match(f"{line} ") and _is_header(lines[number : number + _BLOCK_LINES]):
            above = lines[:number]
            while above and (not above[-1].strip() or _RULE.fullmatch(above[-1].strip())):
                above.pop()
            return above or lines
    return lines


def _is_header(block: list[str]) -> bool:
    return all(any(field.match(f"{line} ") for line in block) for field in (_SENT, _SUBJECT))
