"""The tables of docs/data-contract.md, read."""

import re
from dataclasses import dataclass

from local.checkout import CHECKOUT

PAGE = CHECKOUT / "docs" / "data-contract.md"


@dataclass(frozen=True)
class Kind:
    """A type, whether a value must be there, and whether it may be null."""

    type: str
    required: bool = False
    null: bool = False


@dataclass(frozen=True)
class Row:
    """One row of a table: a field of the document, a column of Postgres, or both."""

    name: str
    cells: dict[str, str]

    @property
    def document(self) -> Kind:
        return _kind(self.cells["Cosmos DB"])

    @property
    def column(self) -> tuple[str, Kind]:
        """The name and the kind of its column."""
        if "Type" in self.cells:
            return self.name, _kind(self.cells["Type"])
        named = re.fullmatch(r"`(\w+)` (.+)", self.cells["Postgres"])
        assert named, self
        return named[1], _kind(named[2])

    def says(self, cell: str) -> bool:
        """Whether a cell says yes."""
        return {"yes": True, "no": False}[self.cells[cell]]


def table(heading: str) -> list[Row]:
    """Return the rows of the one table under a heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    names, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [Row(row[0].strip("`"), dict(zip(names, row, strict=True))) for row in rows]


SHARED = table("Shared fields")
COSMOS_DB = table("Only in Cosmos DB")
POSTGRES = table("Only in Postgres")


def _kind(text: str) -> Kind:
    type_, *more = text.rsplit(", ", 1) if text.endswith((", required", ", null")) else [text]
    return Kind(type_, required="required" in more, null="null" in more)
