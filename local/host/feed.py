"""What a Cosmos DB trigger declares."""

from dataclasses import dataclass

from local.host.bindings import HostedFunction
from local.host.configuration import HostOptions
from local.host.leases import LeaseTimes
from shared.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Feed:
    """What a Cosmos DB trigger declares; defaults of the extension (4.x), intervals in seconds."""

    connection: str
    database: str
    container: str
    lease_connection: str
    lease_database: str
    lease_container: str
    lease_prefix: str
    create_leases: bool
    from_beginning: bool
    page_size: int | None
    poll: float
    times: LeaseTimes

    @classmethod
    def of(cls, function: HostedFunction, options: HostOptions) -> "Feed":
        """Read a trigger's settings; an option of the host (`LOCAL_HOST_*`) wins over the decorator's interval."""
        settings = function.settings
        if settings.get("startFromTime") or settings.get("changeFeedMode") not in (None, "LatestVersion"):
            raise Misconfigured(
                f"function {function.name}: the local host knows neither start_from_time nor another change feed mode"
            )

        def seconds(option: float | None, name: str, default: float) -> float:
            return option if option is not None else (settings.get(name) or default) / 1000

        return cls(
            connection=settings["connection"],
            database=settings["databaseName"],
            container=settings["containerName"],
            lease_connection=settings.get("leaseConnection") or settings["connection"],
            lease_database=settings.get("leaseDatabaseName") or settings["databaseName"],
            lease_container=settings.get("leaseContainerName") or "leases",
            lease_prefix=settings.get("leaseContainerPrefix") or "",
            create_leases=bool(settings.get("createLeaseContainerIfNotExists")),
            from_beginning=bool(settings.get("startFromBeginning")),
            page_size=settings.get("maxItemsPerInvocation"),
            poll=seconds(options.feed_poll_seconds, "feedPollDelay", 5000),
            times=LeaseTimes(
                acquire=seconds(options.lease_acquire_seconds, "leaseAcquireInterval", 13000),
                renew=seconds(options.lease_renew_seconds, "leaseRenewInterval", 17000),
                expiry=seconds(options.lease_expiry_seconds, "leaseExpirationInterval", 60000),
            ),
        )
