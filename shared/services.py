"""The one place that wires: every part of the app, made on first use, one of each per process."""

from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

from shared import failpoints
from shared.clock import Clock, SystemClock
from shared.telemetry import quiet_sdks

if TYPE_CHECKING:
    from shared.ai.gateway import Gateway
    from shared.ai.log import CallLog
    from shared.ai.provider import ModelProvider
    from shared.ai.upkeep import LogUpkeep
    from shared.analysis.attachment import AttachmentAnalyst
    from shared.analysis.message import MessageAnalyst
    from shared.analysis.subjects import Subjects
    from shared.inbox.ai_interactions import CallHistory
    from shared.inbox.dead_letter_desk import DeadLetterDesk
    from shared.inbox.dead_letters import DeadLetterLimit
    from shared.inbox.reading import History
    from shared.ingestion.brake import Brake
    from shared.ingestion.drain import Drain
    from shared.ingestion.external import External
    from shared.ingestion.external_bodies import ExternalBodies
    from shared.ingestion.progress import Progress
    from shared.ingestion.receive import Ingest
    from shared.ingestion.sources import Sources
    from shared.ingestion.store import Store
    from shared.ingestion.sweep import Sweep
    from shared.settings import Settings
    from shared.stores.blobs import Blobs
    from shared.stores.cosmos import Documents
    from shared.stores.feed import ChangeFeed
    from shared.stores.postgres import Postgres
    from shared.stores.queues import Queues
    from shared.stores.vault import Vault
    from shared.sync.apply import Sync
    from shared.sync.correction import Corrections
    from shared.sync.deletion import Deletion
    from shared.sync.pull import PullReader
    from shared.sync.reconcile import Reconciler
    from shared.sync.status import SyncStatus

AROUND_A_CALL_SECONDS = 180


class Services:
    """The app's parts. Modules are imported as their part is first asked for: import cost is cold-start cost."""

    def __init__(self, settings: "Settings", clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()

    @cached_property
    def blobs(self) -> "Blobs":
        """Blob Storage."""
        from shared.stores.blobs import Blobs

        return Blobs(self.settings.storage, self.settings.storage_blob_uri, self.settings.identity_client_id)

    @cached_property
    def queues(self) -> "Queues":
        """Storage Queues."""
        from shared.stores.queues import Queues

        return Queues(self.settings.storage, self.settings.storage_queue_uri, self.settings.identity_client_id)

    @cached_property
    def postgres(self) -> "Postgres":
        """Postgres."""
        from shared.stores.postgres import Postgres

        settings = self.settings
        return Postgres(
            settings.postgres_dsn,
            pool_size=settings.postgres_pool_size,
            pooled=settings.postgres_pooled,
            client_id=settings.identity_client_id,
        )

    @cached_property
    def documents(self) -> "Documents":
        """Cosmos DB."""
        from shared.stores.cosmos import Documents

        return Documents(
            connection_string=self.settings.cosmos,
            endpoint=self.settings.cosmos_endpoint,
            client_id=self.settings.identity_client_id,
            database=self.settings.cosmos_database,
        )

    @cached_property
    def vault(self) -> "Vault":
        """The keys of secrets at rest."""
        from shared.stores.vault import Vault

        if self.settings.secret_keys_wrapped_by:
            from shared.stores.wrapped_keys import KeyVault, WrappedVault

            key_vault = KeyVault(self.settings.secret_keys_wrapped_by, self.settings.identity_client_id)
            return WrappedVault(self.blobs, key_vault)
        return Vault(self.settings.secret_keys or "")

    @cached_property
    def sources(self) -> "Sources":
        """Published sources."""
        from shared.ingestion.sources import Sources

        return Sources(self.blobs, self.vault, cache_seconds=self.settings.source_cache_seconds)

    @cached_property
    def ingest(self) -> "Ingest":
        """Accepting webhooks."""
        from shared.ingestion.receive import Ingest

        return Ingest(self.sources, self.blobs, self.queues, self.clock)

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=self.settings.retry_max_seconds + self.settings.sweep_after_seconds)

    @cached_property
    def store(self) -> "Store":
        """Storing deliveries."""
        from shared.ingestion.store import Store

        return Store(self.sources, self.blobs, self.postgres, self.documents, self.queues, self.clock, self._patience)

    @cached_property
    def sweep(self) -> "Sweep":
        """Finding deliveries that nobody is storing."""
        from shared.ingestion.sweep import Sweep

        after = timedelta(seconds=self.settings.sweep_after_seconds)
        return Sweep(self.blobs, self.postgres, self.queues, self.clock, after, self._patience)

    @cached_property
    def drain(self) -> "Drain":
        """Keeping work that failed."""
        from shared.ingestion.drain import Drain

        return Drain(self.postgres, self.clock, self._external_bodies, self._dead_letter_limit)

    @cached_property
    def external(self) -> "External":
        """Accepting messages of other services."""
        from shared.ingestion.external import External

        return External(self.sources, self.blobs, self.queues, self.clock)

    @cached_property
    def _external_bodies(self) -> "ExternalBodies":
        from shared.ingestion.external_bodies import ExternalBodies

        return ExternalBodies(self.sources, self.blobs)

    @cached_property
    def _dead_letter_limit(self) -> "DeadLetterLimit":
        from shared.inbox.dead_letters import DeadLetterLimit

        window = timedelta(seconds=self.settings.dead_letter_window_seconds)
        return DeadLetterLimit(self.settings.dead_letter_limit, window)

    @cached_property
    def brake(self) -> "Brake":
        """Stopping steps that leave too many dead letters."""
        from shared.ingestion.brake import Brake

        return Brake(self.postgres, self._dead_letter_limit)

    @cached_property
    def dead_letters(self) -> "DeadLetterDesk":
        """What operators decide about dead letters."""
        from shared.inbox.dead_letter_desk import DeadLetterDesk
        from shared.ingestion.resend import Resend
        from shared.sync.replay import STAGE, Reapply

        resend, reapply = Resend(self.queues, self._external_bodies), Reapply(self.documents, self.sync)
        return DeadLetterDesk(self.postgres, resend.stages(), {STAGE: reapply.apply})

    @cached_property
    def progress(self) -> "Progress":
        """The state of deliveries."""
        from shared.ingestion.progress import Progress

        return Progress(self.postgres, self.blobs)

    @cached_property
    def gateway(self) -> "Gateway":
        """The way to a model."""
        from shared.ai.gateway import Gateway
        from shared.ai.pauses import Pauses

        return Gateway(self._provider(), self.call_log, Pauses(self.clock, self.call_log.deadline))

    @cached_property
    def call_log(self) -> "CallLog":
        """The log of model calls, and what they may cost."""
        from shared.ai.log import CallLog
        from shared.ai.prices import prices_at

        # A call is given up when it can't be under way any more: an image waits for its turn to be decoded, too.
        deadline = timedelta(seconds=self.settings.model_timeout_seconds + AROUND_A_CALL_SECONDS)
        return CallLog(self.postgres, self.clock, prices_at(self.settings.ai_prices_file), deadline)

    @cached_property
    def calls(self) -> "CallHistory":
        """Reading the log of model calls."""
        from shared.inbox.ai_interactions import CallHistory

        return CallHistory(self.postgres, self.clock)

    @cached_property
    def log_upkeep(self) -> "LogUpkeep":
        """Keeping up the log of model calls."""
        from shared.ai.upkeep import LogUpkeep

        return LogUpkeep(self.postgres, self.clock)

    @cached_property
    def message_analyst(self) -> "MessageAnalyst":
        """Analysing messages."""
        from shared.analysis.message import MessageAnalyst

        return MessageAnalyst(self.gateway, self.postgres, self.documents, self.clock)

    @cached_property
    def subjects(self) -> "Subjects":
        """What is to be analysed, by id alone."""
        from shared.analysis.subjects import Subjects

        return Subjects(self.postgres)

    @cached_property
    def attachment_analyst(self) -> "AttachmentAnalyst":
        """Analysing attachments."""
        from shared.analysis.attachment import AttachmentAnalyst

        return AttachmentAnalyst(self.gateway, self.postgres, self.blobs)

    @cached_property
    def sync(self) -> "Sync":
        """Applying documents to Postgres."""
        from shared.sync.apply import Sync

        return Sync(self.postgres, self.documents, self._dead_letter_limit)

    @cached_property
    def feed(self) -> "ChangeFeed":
        """The change feed of Cosmos DB."""
        from shared.stores.feed import ChangeFeed

        return ChangeFeed(self.documents)

    @cached_property
    def pull_reader(self) -> "PullReader":
        """Following the change feed with a position of our own."""
        from shared.sync.pull import PullReader

        return PullReader(self.feed, self.sync, self.postgres, self.clock)

    @cached_property
    def sync_status(self) -> "SyncStatus":
        """Whether both stores agree."""
        from shared.sync.status import SyncStatus

        return SyncStatus(self.postgres, self.clock, self.settings.tombstone_ttl_seconds)

    @cached_property
    def reconciler(self) -> "Reconciler":
        """Comparing both stores."""
        from shared.sync.reconcile import Policy, Reconciler

        policy = Policy(
            documents_a_run=self.settings.reconcile_documents,
            young=timedelta(seconds=self.settings.reconcile_after_seconds),
            refuse_share=self.settings.reconcile_refuse_share,
        )
        return Reconciler(self.postgres, self.documents, self.sync, self.clock, policy)

    @cached_property
    def deletion(self) -> "Deletion":
        """Deleting interactions."""
        from shared.sync.deletion import Deletion

        return Deletion(
            self.postgres, self.documents, self.sync, self.clock, ttl_seconds=self.settings.tombstone_ttl_seconds
        )

    @cached_property
    def corrections(self) -> "Corrections":
        """Correcting interactions."""
        from shared.sync.correction import Corrections

        return Corrections(self.postgres, self.documents, self.sync, self.history, self.clock)

    @cached_property
    def history(self) -> "History":
        """Reading the history."""
        from shared.inbox.reading import History

        return History(self.postgres, self.blobs)

    async def close(self) -> None:
        """Close every client and pool that was opened."""
        for name in ("blobs", "queues", "postgres", "documents"):
            if name in self.__dict__:
                await self.__dict__[name].close()
        if "gateway" in self.__dict__:
            await self.gateway.provider.close()
        from shared.stores.credentials import close_identities

        await close_identities()

    def _provider(self) -> "ModelProvider":
        settings = self.settings
        if settings.ai_provider == "offline" or (settings.ai_provider == "auto" and not settings.model_reachable):
            from shared.ai.providers.offline import OfflineProvider

            return OfflineProvider()
        from shared.ai.providers.openai_client import ModelAccess
        from shared.ai.providers.openai_responses import OpenAIProvider

        access = ModelAccess(
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            azure_endpoint=settings.azure_openai_endpoint,
            identity_client_id=settings.identity_client_id,
            message_model=settings.model_message,
            image_model=settings.model_image,
            embedding_model=settings.model_embedding,
            dimensions=settings.embedding_dimensions,
            timeout_seconds=settings.model_timeout_seconds,
        )
        return OpenAIProvider(access, self.clock)


@cache
def current() -> Services:
    """Return this process's services. Raises Misconfigured with every setting that is missing."""
    from shared.settings import read_settings

    failpoints.check()
    quiet_sdks()
    return Services(read_settings())
