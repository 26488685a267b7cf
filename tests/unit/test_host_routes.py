from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from local.host.routes import Route, RouteTable, compile_route

values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def table(*templates: str, prefix: str = "api") -> RouteTable[str]:
    routes: list[Route[str]] = [compile_route(template, ["GET"], template) for template in templates]
    return RouteTable(routes, prefix=prefix)


@given(first=values, second=values)
def test_any_text_survives_as_a_route_parameter(first: str, second: str) -> None:
    path = f"/api/a/{quote(first, safe='')}/b/{quote(second, safe='')}"
    found = table("a/{first}/b/{second}", "a/{first}").find("GET", path)
    assert found is not None
    assert found.target == "a/{first}/b/{second}"
    assert found.parameters == {"first": first, "second": second}


@given(path=st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_any_path_is_answered_without_an_error(path: str) -> None:
    found = table("a/{id:int}", "a/{id}", "b/{rest?}", "c/{*rest}").find("GET", "/" + path)
    assert found is None or found.target


def test_without_a_prefix_routes_start_at_the_root() -> None:
    found = table("", "a", prefix="").find("GET", "/a")
    assert found is not None
    assert found.target == "a"
    root = table("", "a", prefix="").find("GET", "/")
    assert root is not None
    assert root.target == ""


def test_the_methods_of_all_functions_on_a_path_are_allowed() -> None:
    routes = [compile_route("a", ["GET"], "read"), compile_route("A", ["PUT"], "write")]
    found = RouteTable(routes, prefix="api").find("DELETE", "/api/a")
    assert found is not None
    assert (found.target, found.allowed) == (None, frozenset({"GET", "PUT"}))
