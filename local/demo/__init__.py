"""`./dev demo`: the sample conversations through a stack of their own, and what became of them."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run the demo; 0 only when everything was analysed and the stores agree."""
    # The samples and the signing are used without the terminal and the stack.
    from local.demo.flow import run

    return run(argv)
