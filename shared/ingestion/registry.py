"""Which provider reads which source: one line each, no discovery."""

from shared.errors import Permanent
from shared.ingestion.chat.json_chat import JsonChat
from shared.ingestion.email.json_email import JsonEmail
from shared.ingestion.email.mime_email import MimeEmail
from shared.ingestion.provider import Provider
from shared.models.sources import Source

PROVIDERS: dict[tuple[str, str], Provider] = {
    ("email", "json"): JsonEmail(),
    ("email", "mime"): MimeEmail(),
    ("chat", "json"): JsonChat(),
}


def provider_of(source: Source) -> Provider:
    """Return the provider of a source. Raises Permanent for one that this version does not know.

    A source of channel `queue` takes any of them: `email-json` is the provider `json` of channel `email`.
    """
    channel: str
    channel, name = source.channel, source.provider
    if channel == "queue":
        channel, _, name = source.provider.partition("-")
    try:
        return PROVIDERS[(channel, name)]
    except KeyError:
        raise Permanent(f"no provider {source.provider!r} for channel {source.channel!r}") from None
