from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Show and change what projects decide of their model calls."""
    from local.project_terms import main as terms

    return terms(argv)
