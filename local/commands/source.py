from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Manage inbound sources of the stack of `./dev up`."""
    from local.sources import main as sources

    return sources(argv)
