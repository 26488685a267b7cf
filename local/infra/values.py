"""What a Bicep expression comes to, for the expressions that our templates use."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from local.infra.syntax import BicepFile, key_of, literal, properties, text_of

if TYPE_CHECKING:
    import tree_sitter


def _string(value: Any) -> str:
    # As Bicep's string(): true becomes 'True' in ARM.
    return str(value)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "concat": lambda *parts: [item for part in parts for item in part],
    "empty": lambda value: not value,
    "guid": lambda *parts: "-".join(map(str, parts)),
    "length": len,
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, by: text.split(by),
    "startsWith": lambda text, start: text.startswith(start),
    "string": _string,
    "subscription": lambda: {"id": "/subscriptions/0", "tenantId": "tenant"},
    "take": lambda text, count: text[:count],
    "union": lambda *parts: reduce(lambda one, other: one | other, parts),
    "uniqueString": lambda *parts: f"{abs(hash(parts)):013x}"[:13],
}
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
}


class Template:
    """A file with values for its parameters; `outputs` maps `module.outputs.name` to what a deployment would tell."""

    def __init__(self, file: BicepFile, parameters: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        self._file = file
        self._outputs = outputs
        self._known: dict[str, Any] = dict(parameters)

    def named(self, name: str) -> Any:
        """Return the value of a parameter or variable. Raises KeyError for a parameter without value or default."""
        if name not in self._known:
            found = self._file.of("parameter") | self._file.of("variable")
            node = found[name].value_node
            if node is None:
                raise KeyError(f"parameter {name} has no value")
            self._known[name] = self.value(node)
        return self._known[name]

    def module_parameter(self, module: str, name: str) -> Any:
        """Return what a module is given for a parameter."""
        body = self._file.of("module")[module].value_node
        assert body is not None  # noqa: S101 # a module always has one
        (given,) = (each.named_children[1] for each in properties(body) if key_of(each) == "params")
        (found,) = (each.named_children[1] for each in properties(given) if key_of(each) == name)
        return self.value(found)

    def value(self, node: "tree_sitter.Node") -> Any:
        """Return what an expression comes to. Raises ValueError for one that is not known here."""
        known: Mapping[str, Callable[[tree_sitter.Node], Any]] = {
            "array": lambda node: [self.value(child) for child in node.named_children if child.type != "comment"],
            "binary_expression": self._binary,
            "call_expression": self._call,
            "identifier": lambda node: self.named(text_of(node)),
            "member_expression": self._member,
            "object": lambda node: {key_of(each): self.value(each.named_children[1]) for each in properties(node)},
            "parenthesized_expression": lambda node: self.value(node.named_children[0]),
            "string": self._text,
            "subscript_expression": lambda node: self.value(node.named_children[0])[self.value(node.named_children[1])],
            "ternary_expression": self._either,
            "unary_expression": lambda node: not self.value(node.named_children[0]),
        }
        if node.type in {"boolean", "number", "null"}:
            return literal(node)
        if node.type not in known:
            raise ValueError(f"not known: {text_of(node)}")
        return known[node.type](node)

    def _text(self, node: "tree_sitter.Node") -> str:
        return "".join(
            text_of(child) if child.type == "string_content" else str(self.value(child.named_children[0]))
            for child in node.named_children
        )

    def _either(self, node: "tree_sitter.Node") -> Any:
        condition, then, otherwise = node.named_children
        return self.value(then if self.value(condition) else otherwise)

    def _binary(self, node: "tree_sitter.Node") -> Any:
        left, operator, right = node.children
        sign = text_of(operator)
        if sign in {"&&", "||"}:
            first = self.value(left)
            return self.value(right) if bool(first) == (sign == "&&") else first
        return OPERATORS[sign](self.value(left), self.value(right))

    def _call(self, node: "tree_sitter.Node") -> Any:
        name, arguments = node.named_children[0], node.named_children[1:]
        given = [self.value(child) for each in arguments for child in each.named_children]
        return FUNCTIONS[text_of(name)](*given)

    def _member(self, node: "tree_sitter.Node") -> Any:
        path = text_of(node).replace("!", "")
        if path in self._outputs:
            return self._outputs[path]
        return self.value(node.named_children[0])[text_of(node.named_children[1])]
