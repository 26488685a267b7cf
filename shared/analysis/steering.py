"""Words that are meant for a machine that reads the message, not for a person.

No such list is complete: it keeps what it finds out of the memory, and nothing relies on it.
"""

import re

_RULES = (
    r"instructions?|prompts?|rules|guidelines|directives|anweisung\w*|regeln|vorgaben|instruktion\w*|consignes|règles|reglas"
    r"|instruccion\w*|istruzion\w*|regole|instruç\w*|regras|instructies|regels|aanwijzing\w*"
)
_DROP = (
    r"ignore[rz]?|disregard|forget|override|bypass|ignorier\w*|vergiss|missachte\w*|oublie[rz]?|ignora\w*|olvida\w*|dimentica\w*"
    r"|esque[cç]\w*|negeer|vergeet"
)
_WHOSE = (
    r"all|any|previous|prior|above|earlier|your|system|alle|vorherigen|bisherigen|deine|ihre|toutes|précédentes|vos|tes|todas"
    r"|anteriores|tus|tutte|precedenti|tue|suas|eerdere|vorige|je"
)
_MACHINE = r"ai|a\.i\.|llm|language model|assistant|chatgpt|gpt|copilot|chatbot|model|ki|ia|sprachmodell"
_STEERING = re.compile(
    rf"\b(?:{_DROP})\b(?:\W+\w+){{0,3}}?\W+(?:{_WHOSE})\b(?:\W+\w+){{0,3}}?\W+(?:{_RULES})\b"
    rf"|\bsystem[ _-]?(?:prompt|override)\b|\bdeveloper[ _-](?:prompt|message)\b|\bsystemprompt\b"
    rf"|\byou are (?:now |no longer )?(?:an? |the )?(?:{_MACHINE})\b|\bdu bist (?:jetzt )?(?:eine? )?(?:{_MACHINE})\b"
    rf"|\b(?:dear|attention|note to|note for|hey|hello|to) "
    r"(?:the |any |all )?(?:ai|llm|language model|chatgpt|copilot)s?\b"
    rf"|\b(?:reveal|print|repeat|show)\b(?:\W+\w+){{0,2}}?\W+(?:your|system)\W+(?:\w+\W+)?(?:{_RULES})\b"
    rf"|\b(?:save|store|write|add|commit)\b(?:\W+\w+){{0,4}}?\W+(?:to|in|into)\W+(?:your\W+)?"
    r"(?:long[- ]term\W+)?memory\b"
    rf"|<\|[a-z_]{{2,20}}\|>|\[/?INST\]|<</?SYS>>|^\s*(?:###?\s*)?(?:system|assistant)\s*:",
    re.IGNORECASE | re.MULTILINE,
)


def steers(text: str) -> bool:
    """Whether `text` seems to speak to a machine."""
    return _STEERING.search(text) is not None
