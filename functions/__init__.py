"""The triggers, one file per step, listed in flow order."""

import azure.functions as func

from functions import (
    accept_message,
    analyze_attachment,
    analyze_message,
    attachments,
    contacts,
    dead_letters,
    deliveries,
    drain_poison,
    health,
    ingest_chat,
    ingest_email,
    interactions,
    openapi,
    orphan_dead_letters,
    publish_sources,
    store_message,
    sweep_changes,
    sweep_inbound,
    sync_interactions,
    sync_status,
)

BLUEPRINTS: list[func.Blueprint] = [
    ingest_email.BLUEPRINT,
    ingest_chat.BLUEPRINT,
    accept_message.BLUEPRINT,
    store_message.BLUEPRINT,
    sweep_inbound.BLUEPRINT,
    publish_sources.BLUEPRINT,
    analyze_message.BLUEPRINT,
    analyze_attachment.BLUEPRINT,
    sync_interactions.BLUEPRINT,
    sweep_changes.BLUEPRINT,
    drain_poison.BLUEPRINT,
    deliveries.BLUEPRINT,
    contacts.BLUEPRINT,
    interactions.BLUEPRINT,
    attachments.BLUEPRINT,
    dead_letters.BLUEPRINT,
    orphan_dead_letters.BLUEPRINT,
    sync_status.BLUEPRINT,
    health.BLUEPRINT,
    openapi.BLUEPRINT,
]
