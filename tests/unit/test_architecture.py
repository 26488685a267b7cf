"""Rules of the code that no linter knows. Each rule is tried on a piece of code that breaks it, too."""

import ast
import importlib.metadata
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
FOLDERS = ("functions", "shared", "local", "schema", "bench")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
SDKS = ("azure.storage", "azure.cosmos", "azure.identity", "azure.core", "psycopg", "psycopg_pool", "openai")
SDK_FOLDERS = ("shared/stores/", "shared/ai/providers/")
# Where anything may come and has one answer.
CATCH_ALL = {
    "functions/responses.py": "the edge of the app: whatever it is, the caller gets problem details",
    "functions/sync_interactions.py": "a fault of the code, tried again for ever, would hold up the feed",
    "local/host/application.py": "an app that can't be imported, for whatever reason, is explained in one line",
    "local/host/bindings.py": "type hints are evaluated code",
    "local/host/invocation.py": "a function's failure is the function's, not the host's",
    "local/host/listener.py": "a fault of the host must not silence a trigger",
    "shared/ai/images.py": "decoders answer hostile bytes with any error",
    "shared/sync/changes.py": "a document that breaks its reading must not hold up those behind it",
    "shared/ingestion/receive.py": "a verifier that breaks has proven nothing",
}
# Where the environment is read, once.
ENVIRONMENT = {
    "shared/settings.py": "the app settings",
    "shared/failpoints.py": "armed by tests alone, off in production",
}
STATEMENTS = {"execute", "executemany", "one", "all", "copy", "stream"}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}

Finding = tuple[int, str]
Rule = Callable[[ast.Module], Iterator[Finding]]


@cache
def ours() -> list[Path]:
    """Every file of ours, sorted; the thousands that npm installed are not even looked at."""
    found: list[Path] = []
    for folder in FOLDERS:
        for place, below, names in os.walk(CHECKOUT / folder):
            below[:] = [each for each in below if each not in {"node_modules", "__pycache__"}]
            found += [Path(place) / each for each in names]
    return sorted(found)


def files(*suffixes: str, folders: Iterable[str] = FOLDERS) -> list[Path]:
    return [path for path in ours() if path.suffix in suffixes and name(path).split("/")[0] in set(folders)]


def name(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def broken(rule: Rule, paths: Iterable[Path]) -> list[str]:
    """Every place that breaks a rule, as `file:line what`."""
    return [
        f"{name(path)}:{line} {what}"
        for path in paths
        for line, what in rule(ast.parse(path.read_text(encoding="utf-8")))
    ]


def long_functions(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines"


def catches_all(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
            passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if not passed_on and any(
                each is None or ast.unparse(each) in {"Exception", "BaseException"} for each in caught
            ):
                yield node.lineno, "catches everything"


def built_sql(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(called, ast.Attribute) and called.attr in STATEMENTS:
            query = node.args[0] if node.args else None
            built = isinstance(query, ast.JoinedStr | ast.BinOp) or (
                isinstance(query, ast.Call)
                and isinstance(query.func, ast.Attribute)
                and query.func.attr in {"format", "join", "replace"}
            )
            if built:
                yield node.lineno, f"{called.attr} of a built text"


def imported(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def sdk_imports(tree: ast.Module) -> Iterator[Finding]:
    for line, module in imported(tree):
        if any(module == sdk or module.startswith(f"{sdk}.") for sdk in SDKS):
            yield line, module


def sdks_at_import(tree: ast.Module) -> Iterator[Finding]:
    """SDKs that come with the module itself; those for the type checker alone do not."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Try):
            yield from sdk_imports(ast.Module(body=[node], type_ignores=[]))


def environment_reads(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}:
            yield node.lineno, ast.unparse(node)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (long_functions, "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
        (long_functions, "class C:\n  async def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
        (catches_all, "try: pass\nexcept Exception: pass"),
        (catches_all, "try: pass\nexcept: pass"),
        (catches_all, "try: pass\nexcept (ValueError, BaseException): pass"),
        (built_sql, "c.execute(f'SELECT {x}')"),
        (built_sql, "await c.one('SELECT %s' % x)"),
        (built_sql, "c.all('SELECT ' + x)"),
        (built_sql, "c.execute('SELECT {}'.format(x))"),
        (sdk_imports, "def f():\n    from azure.cosmos.aio import CosmosClient"),
        (sdk_imports, "import psycopg"),
        (sdks_at_import, "from psycopg import sql"),
        (environment_reads, "import os\nos.environ.get('X')"),
    ],
)
def test_a_rule_finds_what_breaks_it(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code)))


def test_the_rules_look_at_the_code() -> None:
    assert len(files(".py")) > 100


@pytest.mark.parametrize("path", files(".py", ".sql", ".js"), ids=name)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MAX_FILE_LINES


def test_a_function_is_short() -> None:
    assert broken(long_functions, files(".py")) == []


def test_nothing_catches_everything_without_a_reason() -> None:
    paths = [path for path in files(".py") if name(path) not in CATCH_ALL]
    assert broken(catches_all, paths) == []


def test_the_reasons_for_catching_everything_are_still_needed() -> None:
    for path, reason in CATCH_ALL.items():
        assert reason
        assert broken(catches_all, [CHECKOUT / path]), path


def test_sql_is_never_built_from_texts() -> None:
    assert broken(built_sql, files(".py", folders=("shared", "functions"))) == []


def test_sdks_are_imported_by_stores_and_model_providers_alone() -> None:
    paths = [path for path in files(".py", folders=("shared", "functions")) if not name(path).startswith(SDK_FOLDERS)]
    assert broken(sdk_imports, paths) == []


def test_no_sdk_is_loaded_by_importing_the_application() -> None:
    assert broken(sdks_at_import, files(".py", folders=("shared", "functions"))) == []


def test_the_environment_is_read_in_few_places() -> None:
    paths = [path for path in files(".py", folders=("shared", "functions")) if name(path) not in ENVIRONMENT]
    assert broken(environment_reads, paths) == []


@pytest.mark.parametrize("path", files(".sql"), ids=name)
def test_every_sql_block_says_what_it_is(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks = [at for at, line in enumerate(lines) if line.startswith("-- name:")]
    assert blocks
    for at in blocks:
        assert re.fullmatch(r"-- name: [a-z_]+!?", lines[at])
        assert re.match(r"-- \S", lines[at + 1]), lines[at]


def test_no_folder_at_the_top_has_the_name_of_a_module() -> None:
    ours = {path.name for path in CHECKOUT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert {"shared", "functions", "local"} <= ours
    assert ours & set(sys.stdlib_module_names) == set()
    installed = {package.partition("/")[0] for package in importlib.metadata.packages_distributions()}
    assert (ours - {"tests", "docs", "bench"}) & installed == set()


def test_a_name_says_what_a_file_is() -> None:
    assert [name(path) for path in files(".py", ".sql", ".js") if path.stem in BANNED_NAMES] == []
