from shared.errors import HubError


class Trouble(HubError):
    """A failure of the local stack told to its user: what happened, and what to do about it.

    `log` holds the last lines of the log that explains it, when there is one.
    """

    def __init__(self, what: str, *, do: str, log: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do
        self.log = log
