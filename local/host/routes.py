"""Route templates of HTTP triggers (`v1/contacts/{id:guid}`), matched as ASP.NET does: without case, literals first."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

from shared.errors import Misconfigured

T = TypeVar("T")
METHODS = ("GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS")

_PARAMETER = re.compile(r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?::(?P<constraint>[^{}?]+))?(?P<optional>\??)\}")
_NAME = re.compile(r"\{(\*{0,2})\w+")
_CONSTRAINTS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "bool": r"true|false",
    "alpha": r"[A-Za-z]+",
    "guid": r"[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}",
}
# How a segment ranks when several templates match: the smaller is tried first.
_LITERAL, _CONSTRAINED, _PLAIN, _OPTIONAL, _REST = range(5)


@dataclass(frozen=True, slots=True)
class Route(Generic[T]):
    """One template with its methods and what it leads to."""

    template: str
    methods: frozenset[str]
    target: T
    pattern: re.Pattern[str]
    rank: tuple[int, ...]

    @property
    def shape(self) -> str:
        """The template without the names of its parameters: two routes of one shape can't be told apart."""
        return _NAME.sub(r"{\1", "/" + self.template.strip("/").lower())


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """`target` is None when the path is known but not with this method; `allowed` are its methods then."""

    target: T | None
    parameters: dict[str, str]
    allowed: frozenset[str]


def compile_route(template: str, methods: Iterable[str], target: T) -> Route[T]:
    """Return the route of `template` (without leading slash); Misconfigured for what this host can't match."""
    pattern, rank = "", []
    for segment in template.strip("/").split("/") if template.strip("/") else []:
        part, order = _segment(segment, template)
        pattern += part
        rank.append(order)
    return Route(
        template,
        frozenset(method.upper() for method in methods) or frozenset(METHODS),
        target,
        re.compile(pattern + "/?", re.IGNORECASE),
        tuple(rank),
    )


def _segment(segment: str, template: str) -> tuple[str, int]:
    found = _PARAMETER.fullmatch(segment)
    if found is None:
        if "{" in segment or "}" in segment:
            raise Misconfigured(f"route {template}: segment {segment} is not supported")
        return "/" + re.escape(segment), _LITERAL
    name, constraint = found["name"], found["constraint"]
    if constraint is not None and constraint not in _CONSTRAINTS:
        raise Misconfigured(f"route {template}: constraint {constraint} is not one of {', '.join(_CONSTRAINTS)}")
    if found["rest"]:
        return f"(?:/(?P<{name}>.*))?", _REST
    value = f"/(?P<{name}>{_CONSTRAINTS[constraint] if constraint else '[^/]+'})"
    if found["optional"]:
        return f"(?:{value})?", _OPTIONAL
    return value, _CONSTRAINED if constraint else _PLAIN


class RouteTable(Generic[T]):
    """All routes of the app under one prefix."""

    def __init__(self, routes: Iterable[Route[T]], *, prefix: str) -> None:
        self._routes = sorted(routes, key=lambda route: route.rank)
        self._prefix = f"/{prefix.strip('/')}".rstrip("/").lower()
        counts = Counter((method, route.shape) for route in self._routes for method in route.methods)
        if twice := sorted(f"{method} {shape}" for (method, shape), count in counts.items() if count > 1):
            raise Misconfigured(f"route {twice[0]} belongs to more than one function")

    def find(self, method: str, raw_path: str) -> Match[T] | None:
        """Return what a request leads to, None for an unknown path. `raw_path` is still percent-encoded."""
        if not raw_path.lower().startswith(self._prefix):
            return None
        rest = raw_path[len(self._prefix) :]
        allowed: set[str] = set()
        for route in self._routes:
            found = route.pattern.fullmatch(rest)
            if found is None:
                continue
            if method in route.methods:
                values = {name: unquote(value) for name, value in found.groupdict().items() if value is not None}
                return Match(route.target, values, route.methods)
            allowed |= route.methods
        return Match(None, {}, frozenset(allowed)) if allowed else None
