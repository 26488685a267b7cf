"""Sync: documents that were written in Cosmos DB, by whomever, reach Postgres."""

import logging

import azure.functions as func

from shared import services
from shared.errors import Misconfigured, Transient
from shared.telemetry import event

BLUEPRINT = func.Blueprint()


# Without a retry policy the platform moves past a batch that failed; with -1 the partition waits for the database.
@BLUEPRINT.function_name("sync_interactions")
@BLUEPRINT.cosmos_db_trigger(
    "documents",
    connection="HubCosmos",
    database_name="%COSMOS_DATABASE%",
    container_name="interactions",
    lease_container_name="leases",
    create_lease_container_if_not_exists=False,
    feed_poll_delay=1000,
    max_items_per_invocation=500,
    start_from_beginning=True,  # type: ignore[arg-type] # annotated as a time, a boolean on the wire
)
@BLUEPRINT.retry(
    strategy="exponential_backoff", max_retry_count="-1", minimum_interval="00:00:01", maximum_interval="00:01:00"
)
async def sync_interactions(documents: func.DocumentList) -> None:
    """Apply one batch of the change feed. What time does not cure is left to `sweep_changes`, and said in the log.

    A document that can't be applied is a dead letter and no exception. What else comes out is a fault of the code:
    tried again for ever it would hold up all that is behind it, and the pull reader does not pass it.
    """
    try:
        await services.current().sync.apply_changes([dict(document) for document in documents])
    except (Transient, Misconfigured):
        raise
    except Exception as error:  # noqa: BLE001 # only what time or an operator cures may be tried for ever
        why = type(error).__name__  # its text may hold data
        event("sync_interactions.left", logging.ERROR, documents=len(documents), why=why)
