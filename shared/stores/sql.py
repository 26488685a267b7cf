"""Named SQL blocks, read with aiosql's file format from beside the feature that owns the tables."""

from functools import cached_property
from pathlib import Path
from typing import LiteralString


class SqlBlocks:
    """The blocks of one `.sql` file: `BLOCKS["insert_message"]` is that block's text, with `%(name)s` parameters.

    The file is read on first use; an unknown name raises KeyError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> LiteralString:
        """Return the text of the block `name`."""
        return self._texts[name]

    @cached_property
    def _texts(self) -> dict[str, LiteralString]:
        import aiosql

        # A block is as much ours as a literal in the code: it is read from the package, never from input.
        queries = aiosql.from_path(self._path, "psycopg", mandatory_parameters=False)
        return {name: getattr(queries, name).sql for name in queries.available_queries if not name.endswith("_cursor")}
