from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
STATE = CHECKOUT / ".local"
UP = STATE / "up"
"""The state directory of `./dev up`; the commands that work on its database look there."""
