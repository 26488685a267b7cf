"""Bicep files as declarations, whose values are Python's where they are literal. Syntax only: nothing is compiled."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import tree_sitter
import tree_sitter_bicep

Kind = Literal["parameter", "variable", "resource", "module", "output"]
KINDS: tuple[Kind, ...] = ("parameter", "variable", "resource", "module", "output")


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that is no literal, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration. `target` is a resource's `type@version` or a module's path, else empty.

    `value` is what it holds: of a resource its body, without the loop or condition around it.
    """

    kind: Kind
    name: str
    target: str
    existing: bool
    node: "tree_sitter.Node"
    value_node: "tree_sitter.Node | None"

    @property
    def line(self) -> int:
        """Return where it begins, counted from 1."""
        return self.node.start_point[0] + 1

    @property
    def type(self) -> str:
        """Return a resource's type without the version."""
        return self.target.partition("@")[0]

    @property
    def value(self) -> Any:
        """Return its value: dict, list, str, int, bool, None, and Code within them."""
        return literal(self.value_node) if self.value_node else None


class BicepFile:
    """One file."""

    def __init__(self, path: Path, source: bytes | None = None) -> None:
        self.path = path
        language = tree_sitter.Language(tree_sitter_bicep.language())
        self.root = tree_sitter.Parser(language).parse(path.read_bytes() if source is None else source).root_node

    @property
    def errors(self) -> list[tuple[int, str]]:
        """Return line and text of what is no Bicep."""
        return [
            (node.start_point[0] + 1, text_of(node)[:60])
            for node in walk(self.root)
            if node.type == "ERROR" or node.is_missing
        ]

    @cached_property
    def declarations(self) -> list[Declaration]:
        """Return what the file declares, in its order."""
        return [
            _declaration(kind, node)
            for node in self.root.named_children
            for kind in KINDS
            if node.type == f"{kind}_declaration"
        ]

    def of(self, kind: Kind) -> dict[str, Declaration]:
        """Return the declarations of a kind by name."""
        return {each.name: each for each in self.declarations if each.kind == kind}


def walk(node: "tree_sitter.Node") -> Iterator["tree_sitter.Node"]:
    """Yield a node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def text_of(node: "tree_sitter.Node") -> str:
    """Return a node as it is written."""
    return (node.text or b"").decode()


def literal(node: "tree_sitter.Node") -> Any:
    """Return an expression as Python's value, as Code where it is computed."""
    if node.type == "object":
        return {
            key: literal(each.named_children[1])
            for each in properties(node)
            for key in [key_of(each)]
            if len(each.named_children) > 1
        }
    if node.type == "array":
        return [literal(child) for child in node.named_children if child.type != "comment"]
    if node.type == "for_statement":
        return [literal(_body(node))]
    if node.type == "string" and all(child.type == "string_content" for child in node.named_children):
        return "".join(text_of(child) for child in node.named_children)
    plain: Mapping[str, Callable[[str], Any]] = {
        "boolean": lambda text: text == "true",
        "number": int,
        "null": lambda _: None,
    }
    return plain[node.type](text_of(node)) if node.type in plain else Code(text_of(node))


def properties(node: "tree_sitter.Node") -> list["tree_sitter.Node"]:
    """Return the properties of an object."""
    return [child for child in node.named_children if child.type == "object_property"]


def key_of(node: "tree_sitter.Node") -> str:
    """Return the name of a property, without quotes."""
    return text_of(node.named_children[0]).strip("'")


def _declaration(kind: Kind, node: "tree_sitter.Node") -> Declaration:
    children = [child for child in node.named_children if child.type not in {"comment", "decorators"}]
    name, rest = text_of(children[0]), children[1:]
    target = ""
    if kind in {"resource", "module"}:
        target = literal(rest[0])
    value = next((child for child in reversed(rest) if child.type not in {"type", "primitive_type"}), None)
    if kind in {"resource", "module"}:
        value = _body(rest[-1])
    existing = any(text_of(child) == "existing" for child in node.children)
    return Declaration(kind, name, target, existing, node, value)


def _body(node: "tree_sitter.Node") -> "tree_sitter.Node":
    while node.type in {"for_statement", "if_statement"}:
        node = node.named_children[-1]
    return node
