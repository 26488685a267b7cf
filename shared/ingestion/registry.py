"""Which provider reads which source: one line each, no discovery."""

from shared.errors import Permanent
from shared.ingestion.chat.json_chat import JsonChat
from shared.ingestion.email.json_email import JsonEmail
from shared.ingestion.provider import Provider
from shared.models.sources import Source

PROVIDERS: dict[tuple[str, str], Provider] = {
    ("email", "json"): JsonEmail(),
    ("chat", "json"): JsonChat(),
}


def provider_of(source: Source) -> Provider:
    """Return the provider of a source. Raises Permanent for one that this version does not know."""
    try:
        return PROVIDERS[(source.channel, source.provider)]
    except KeyError:
        raise Permanent(f"no provider {source.provider!r} for channel {source.channel!r}") from None
