from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run the demo of `local/demo/`."""
    from local.demo import main as demo

    return demo(argv)
