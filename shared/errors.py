"""The one error tree: an error's type says what happens next."""

from datetime import timedelta


class HubError(Exception):
    """Base of every error this project raises on purpose."""


class Rejected(HubError):
    """The caller is wrong: answered as a 4xx problem (RFC 9457), nothing was changed.

    `field` names what is wrong: a JSON path (`attachments[0].filename`), a header or a parameter.
    """

    def __init__(
        self, status: int, detail: str, *, field: str | None = None, errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.errors = errors or []


class Transient(HubError):
    """Time may cure it: over HTTP a 503 with Retry-After, in a queue the same message again, later.

    `retry_after` is the wait a dependency asked for, when it did.
    """

    def __init__(self, detail: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Contended(Transient):
    """A race, or something not there yet: cured by another try soon, or else by no number of tries.

    A queue step gives up after `CONTENDED_TRIES` deferrals; what other Transients wait for may take days.
    """


CONTENDED_TRIES = 12


class Permanent(HubError):
    """It can't succeed as it is: kept as a dead letter with this reason, never tried again unasked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Misconfigured(HubError):
    """The operator has to act: raised at start, names every setting that is missing or wrong."""
