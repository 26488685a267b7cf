"""How machines are spoken to, in seven languages: patterns, each beside what people write that it must leave alone.

None matches twice what it looked at once: gaps are short and made of what words are not.
"""

import re

_FLAGS = re.IGNORECASE | re.MULTILINE
_GAP = r"\W{1,5}"
_SOME = rf"(?:{_GAP}\w+)"

_RULES = (
    r"(?:instructions?|prompts?|rules|guidelines|directives|anweisung\w*|regeln|vorgaben|instruktion\w*|consignes|règles"
    r"|reglas|instruccion\w*|istruzion\w*|regole|instruç\w*|regras|instructies|regels|aanwijzing\w*)"
)
_DROP = (
    r"(?:ignore|disregard|forget|override|bypass|ignoriere?|ignorieren sie|vergiss|vergessen sie|missachten? sie"
    r"|missachte|ignore[rz]|oublie[rz]?|ignora|ignoren|ignorad|ignorar|olvida|olvide|olviden|olvidar|ignorate|ignorare"
    r"|dimentica|dimenticate|dimenticare|esque[cç]a|esqueçam|esquecer|negeer|vergeet)"
)
_WHOSE = (
    r"(?:all|any|previous|prior|above|earlier|your|system|alle|vorherigen|bisherigen|obigen|deine|ihre|toutes"
    r"|précédentes|vos|tes|todas|anteriores|tus|sus|tutte|precedenti|tue|vostre|suas|tuas|eerdere|vorige|je|jouw|uw)"
)
_EARLIER = r"(?:vorherigen|bisherigen|obigen|vorige|eerdere)"
_DROP_LAST = r"(?:ignorieren|vergessen|missachten|negeren|vergeten)"
# Whoever says "your own rules" speaks to people.
_NOT_OWN = rf"(?!{_SOME}{{0,2}}?{_GAP}(?:own|eigen\w*|propres?|propi[oa]s|propri[eo]|própri[oa]s)\b)"
_SHOW = (
    r"(?:reveal|print|repeat|show|output|display|leak|dump|tell|give|share|gib|zeige?|nenne|verrate|wiederhole"
    r"|affiche[rz]?|montre[rz]?|révèle[rz]?|répète[rz]?|donne[rz]?|muestra|revela|repite|imprime|dame|mostra|rivela"
    r"|ripeti|stampa|toon|herhaal|geef)"
)
_SYSTEM_PROMPT = r"(?:system[ _-]?prompts?|systeemprompt|prompt (?:del|di|do|du) (?:sistema|système)|prompt système)"
_SAY = r"(?:say|output|print|mark|classify|grant|approve|act|pretend|(?:answer|reply|respond) (?:only|with|as))"
_SENDER = r"(?:this|the) (?:customer|contact|user|sender|writer)"
_TRUSTED = r"(?:vip|admin\w*|owner|trusted|verified|approved|safe|superuser|root|priority)"

# Orders: they count where a clause begins, see `begins_clause`.
ORDERS = re.compile(
    "|".join(
        (
            rf"\b{_DROP}\b{_SOME}{{0,3}}?{_GAP}{_WHOSE}\b{_NOT_OWN}{_SOME}{{0,3}}?{_GAP}{_RULES}\b",
            rf"\b(?:{_SHOW}|{_DROP})\b{_SOME}{{0,4}}?{_GAP}{_SYSTEM_PROMPT}\b",
            rf"\b{_SHOW}\b{_SOME}{{0,2}}?{_GAP}your (?:hidden|secret|developer|system) {_RULES}\b",
            # "Ignore the above, I found the invoice" is for people.
            rf"\b(?:ignore|disregard|forget) (?:\w+ ){{0,3}}?above\b.{{0,30}}?\b(?:and|then) (?:instead )?{_SAY}\b",
            rf"\bremember\b{_SOME}{{0,4}}?{_GAP}(?:for|in) (?:all|every|any|each) future (?:conversation|session|chat)",
            rf"\b(?:mark|flag|classify|label|rate|treat|register) {_SENDER} as (?:an? |the )?{_TRUSTED}\b",
            r"\b(?:classify|rate|score) this (?:message|e?-?mail|text|conversation) as\b",
            r"\bset (?:the )?(?:sentiment|intent|classification|risks?) (?:to|as)\b",
            r"\b(?:enter|activate|enable) (?:developer|debug|god|jailbreak|dan) mode\b",
            rf"\b(?:alle )?{_EARLIER} {_RULES} (?:jetzt |nu |ab sofort )?{_DROP_LAST}\b",
        )
    ),
    _FLAGS,
)

_READER = r"(?:ai|a\.i\.|llm|(?:large )?language model|chatgpt|copilot)s?"
_READER_ABROAD = r"(?:ki|ia|ai|sprachmodelle?|künstliche intelligenz)"
# Somebody may well be told that they are now the assistant manager.
_MACHINE = (
    r"(?:ai|a\.i\.|llm|language model|chatgpt|gpt|chatbot|bot|assistant(?! (?:manager|director|professor|editor))|ki|ia"
    r"|sprachmodell|assistent|assistente|asistente|modèle|modelo|modello|taalmodel)"
)
_ARE_NOW = (
    r"(?:you(?: are|['\u2019]re) (?:now|no longer)|from now on,? you(?: are|['\u2019]re)|du bist (?:ab )?(?:jetzt|nun)"
    r"|tu es (?:maintenant|désormais)|(?:a partir de )?ahora eres|(?:ora|adesso) sei|je bent (?:vanaf )?nu"
    r"|agora (?:você é|és))"
)
_NOTE_ABROAD = (
    r"(?:hinweis|nachricht|anweisung|notiz|note|consigne|nota|mensaje|messaggio|bericht|notitie|mensagem)"
    r" (?:an|für|à|pour|para|a|per|aan|voor) ?(?:die |alle |la |l['\u2019]|de |a )?"
)
# "Hello AI, …" and "Note to the AI reading this", but neither "Hello AI team" nor "AI-Tech".
_SPOKEN_TO = r"(?=\s*(?:[,:;!.]|$)|\s+(?:[\u2013\u2014-]|(?:assistants?|models?|agents?|reading|that|who|which)\b))"
_MEMORY = rf"(?:your(?:{_GAP}long-? ?term)?|(?:the )?long-? ?term) memory\b(?! (?:card|stick|foam|module))"
_READING = r"(?:reading this\b|(?:processing|summari[sz]ing|parsing|analy[sz]ing) this (?:message|e?-?mail|text))"

# What is only said to machines, wherever it stands.
CALLS = re.compile(
    "|".join(
        (
            rf"\b{_ARE_NOW}{_SOME}{{0,3}}?{_GAP}{_MACHINE}\b",
            r"\byou(?: are|['\u2019]re) (?:now )?in (?:developer|debug|god|admin|jailbreak|unrestricted) mode\b",
            rf"\bas an? {_READER}(?: language)?(?: model| assistant)?,? you\b",
            rf"^\W{{0,6}}(?:dear|attention|hey|hello|hi){_GAP}(?:the |any |all )?{_READER}\b{_SPOKEN_TO}",
            rf"\b(?:note|message|memo) (?:to|for) (?:the |any |all |every )?{_READER}\b{_SPOKEN_TO}",
            rf"\b{_NOTE_ABROAD}{_READER_ABROAD}\b{_SPOKEN_TO}",
            r"^\W{0,6}(?:an die|liebe|chère|estimada|cara|beste) (?:ki|ia|ai)\s*[,:!]",
            # "Is an AI reading this, or a human?" is asked of people.
            rf"\b(?:any|every|all|each|to the|for the) {_READER}(?: \w+)? {_READING}",
            rf"\bif you(?: are|['\u2019]re) an? {_READER}{_SOME}{{0,2}}?{_GAP}(?:reading|processing|summari[sz]ing)\b",
            rf"\b(?:save|store|write|add|commit|put)\b{_SOME}{{0,6}}?{_GAP}(?:to|in|into) {_MEMORY}",
            r"<\|[a-z_]{2,20}\|>|\[/?INST\]|<</?SYS>>",
            r"</?(?:system|assistant|developer)(?:[ _-](?:prompt|message|instructions?))?>",
        )
    ),
    _FLAGS,
)

# Not in "they ignore all rules", nor in "don't ignore your rules".
_CLAUSE = re.compile(
    r"(?:^|[^\w\s'\u2019]|\n|\b(?:please|kindly|now|then|and|must|should|you to|just|simply|also|instead"
    r"|you (?:will|can|may)|bitte|und|jetzt|dann|nun|veuillez|et|maintenant|por favor|y|ahora|per favore|e|ora|adesso"
    r"|graag|alstublieft|en|nu|agora))\s*$",
    re.IGNORECASE,
)
_CLAUSE_CHARACTERS = 24

_ROLE = re.compile(
    r"(?:^|<!--)[ \t#*\[<(>-]{0,6}(system|developer|ai|llm|chatgpt|assistant)"
    r"(?:[ _-](?:override|prompt|message|note|notice|instructions?|command|admin))?[ \t\])*>]{0,3}:[ \t*]{0,3}",
    _FLAGS,
)
_WHAT = r"(?:this|the|that|all|any|every|nothing|everything|your|my|it|them|him|her|full|an?|yes|no|[$€£\"'\d])"
_JUDGE = r"(?:mark|classify|label|rate|treat|approve|grant|refund|ignore|disregard|override|bypass|remember)"
_ACT = r"(?:set|add|print|output|reveal|show|delete|remove|send|forward|give|pay|store|save|write|update|skip|escalate)"
_JUDGE_ABROAD = (
    r"(?:markiere|antworte|ignoriere|genehmige|gewähre|erstatte|behandle|réponds|répondez|accorde[rz]?|approuve[rz]?"
    r"|marque[rz]?|responde|aprueba|concede|rispondi|approva|concedi|markeer|antwoord|negeer|verleen|aprove|conceda)"
)
_TO_ANY_ROLE = (
    r"(?:(?:please|now|from now on,?|always|never|do not|don['\u2019]t) )*"
    rf"(?:{_JUDGE}\s+{_WHAT}|{_JUDGE_ABROAD}\b|(?:forward|send|give)\s+(?:all|every)\b|say\s+(?:yes|no|that|[\"'])"
    r"|(?:answer|reply|respond)\s+(?:only\s+)?(?:with|as|yes|no)\b)"
)
# Whoever quotes a chat has lines of an assistant in it, and whoever has a problem says on which system.
_TO_THE_ASSISTANT = re.compile(_TO_ANY_ROLE, re.IGNORECASE)
_TO_THE_SYSTEM = re.compile(
    rf"{_TO_ANY_ROLE}|(?:(?:please|now|always|never) )*{_ACT}\s+{_WHAT}|from now on\b"
    r"|you (?:are|must|will|may|should|shall|have to)\b"
    rf"|{_SENDER} (?:is|has|was|may|must)\b.{{0,40}}\b(?:{_TRUSTED}|authori[sz]ed|entitled)\b",
    re.IGNORECASE,
)


def begins_clause(text: str, at: int) -> bool:
    """Whether an order may begin there."""
    return _CLAUSE.search(text[max(0, at - _CLAUSE_CHARACTERS) : at]) is not None


def turns(text: str) -> list[tuple[int, int]]:
    """Return where lines begin that give orders in a machine's role, and where what they say does."""
    found = []
    for role in _ROLE.finditer(text):
        order = _TO_THE_ASSISTANT if role[1].lower() == "assistant" else _TO_THE_SYSTEM
        if order.match(text, role.end()):
            found.append(role.span())
    return found
