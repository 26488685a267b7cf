"""The demo's last words: one contact's history, what each store holds, how long it took."""

import json
import statistics
from collections.abc import Iterator, Sequence
from textwrap import shorten, wrap
from typing import Any

from local.demo.reading import Attachment, Context, Fact, Identity, Interaction
from local.demo.stores import Ids, Tally

WIDTH = 100
_INDENT = " " * 6
_MOST_ENTITIES = 6


def history(context: Context) -> str:
    """Return a contact's history as text, newest last, at most WIDTH columns wide."""
    interactions = sorted(context.interactions.items, key=lambda interaction: interaction.timestamp)
    threads = list(dict.fromkeys(interaction.conversation_id for interaction in interactions))
    lines = [context.contact.display_name or "(no name)"]
    lines += _wrapped(" · ".join(_identity(known) for known in context.contact.identities), "  ")
    lines.append(f"  interactions: {len(interactions)}, conversations: {len(threads)}, newest last")
    if context.interactions.next_cursor:
        lines.append("  (older ones are on further pages)")
    for interaction in interactions:
        lines += ["", *_interaction(interaction, threads.index(interaction.conversation_id) + 1)]
    if context.facts.items:
        lines += ["", "What is worth remembering"]
        lines += [line for fact in context.facts.items for line in _wrapped(_fact(fact), "  - ")]
    return "\n".join(lines)


def engines(context: Context) -> str:
    """Return who understood a contact's messages, by what is stored with each analysis."""
    analyses = [interaction.analysis for interaction in context.interactions.items if interaction.analysis]
    named = sorted({analysis.engine for analysis in analyses})
    return f"Understood by {', '.join(named) or 'nobody'}"


def counts(tallies: Sequence[Tally]) -> str:
    """Return a table of what the samples hold and each store has."""
    rows = [f"{'':<18}{'sent':>8}{'Blob':>10}{'Postgres':>10}{'Cosmos DB':>11}   agree"]
    rows += [
        f"{tally.what:<18}{tally.sent:>8}{_size(tally.blob):>10}{_size(tally.postgres):>10}{_size(tally.cosmos):>11}"
        f"   {'yes' if tally.agrees else 'NO'}"
        for tally in tallies
    ]
    return "\n".join(rows)


def latency(seconds: Sequence[float]) -> str:
    """Return how long messages took from the webhook to the context."""
    p50, worst = statistics.median(seconds), max(seconds)
    return f"From webhook to context: p50 {p50:.2f} s, max {worst:.2f} s ({len(seconds)} in one go, host just started)"


def figures(context: Context, tallies: Sequence[Tally], seconds: Sequence[float]) -> str:
    """Return the same in figures, as one JSON object on one line."""
    stores = ("blob", "postgres", "cosmos")
    found: dict[str, Any] = {
        "agree": all(tally.agrees for tally in tallies),
        "counts": {
            tally.what.replace(" ", "_"): {"sent": tally.sent}
            | {store: len(ids) for store in stores if (ids := getattr(tally, store)) is not None}
            for tally in tallies
        },
        "webhook_to_context_seconds": {
            "p50": round(statistics.median(seconds), 3),
            "max": round(max(seconds), 3),
        },
        "contact": {
            "id": context.contact.id,
            "interactions": len(context.interactions.items),
            "facts": len(context.facts.items),
        },
    }
    return json.dumps(found)


def _interaction(interaction: Interaction, thread: int) -> Iterator[str]:
    way = "from us" if interaction.direction == "outbound" else "to us"
    head = (
        f"{interaction.timestamp:%a %d %b %H:%M}  {interaction.type:<6} {way:<8} #{thread}  {interaction.subject or ''}"
    )
    yield shorten(head, WIDTH, placeholder=" …") if len(head) > WIDTH else head.rstrip()
    text = interaction.summary or interaction.new_text or interaction.content
    yield from _wrapped(shorten(text, 260, placeholder=" …") or "(no text)", _INDENT)
    yield from _wrapped(_understood(interaction), _INDENT + "→ ")
    for file in interaction.attachments:
        yield from _wrapped(_file(file), _INDENT + "+ ")


def _understood(interaction: Interaction) -> str:
    analysis = interaction.analysis
    if analysis is None:
        return "not analysed"
    about = analysis.classification
    parts = [f"{about.intent} ({about.category})", f"{about.priority} priority", about.language]
    if analysis.sentiment:
        parts.append(f"{analysis.sentiment.label} {analysis.sentiment.score:+.2f}")
    named = list(dict.fromkeys(f"{entity.type} {entity.value}" for entity in analysis.entities))
    return " · ".join([*parts, *named[:_MOST_ENTITIES]])


def _file(file: Attachment) -> str:
    size = f"{file.filename}, {file.size_bytes / 1024:.0f} KiB"
    seen = (file.analysis or {}).get("description")
    return f"{size}: {seen}" if seen else size


def _fact(fact: Fact) -> str:
    said = fact.data.get("quote")
    return (
        f"{fact.context_type}: “{said}”"
        if said
        else f"{fact.context_type}: {json.dumps(fact.data, ensure_ascii=False)}"
    )


def _identity(known: Identity) -> str:
    # A chat's value begins with its source, which says nothing to a reader.
    return f"{known.type} {known.value.rpartition('/')[2] if known.type == 'chat' else known.value}"


def _size(ids: Ids | None) -> str:
    return "-" if ids is None else str(len(ids))


def _wrapped(text: str, indent: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))
