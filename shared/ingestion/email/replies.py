"""What is new in a reply: its text without quoted lines and the line that announces them."""

import re

# One line that ends in a colon and names a writing, in the languages of the samples; line by line, so linear in time.
_ATTRIBUTION = re.compile(
    r"^(on|am|le|el|il|op|em|den|dnia)\b.{0,300}(wrote|schrieb|écrit|escribió|scritto|schreef|escreveu|skrev|napisał).{0,100}:$",
    re.IGNORECASE,
)


def without_quotes(text: str) -> str:
    """Return `text` without lines that begin with `>` and without one attribution line directly before them.

    A message that is only quotes comes back whole: an empty text would hide that something was sent.
    """
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith(">")), None)
    if first is None:
        return text.strip()
    before = first - 1
    while before >= 0 and not lines[before].strip():
        before -= 1
    attribution = before if before >= 0 and _ATTRIBUTION.match(lines[before].strip()) else None
    kept = [line for number, line in enumerate(lines) if not line.startswith(">") and number != attribution]
    return "\n".join(kept).strip() or text.strip()
