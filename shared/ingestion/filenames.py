"""Names of files as strangers give them."""

from pathlib import PurePosixPath

from shared.models.text import storable


def safe_filename(name: str) -> str:
    """Return the last part of a file name, without control characters: never a path."""
    last = PurePosixPath(storable(name).replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable())[:255]
    return printable if printable.strip(". ") else "unnamed"
