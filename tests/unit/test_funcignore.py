from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from local.checkout import CHECKOUT

PATTERNS = (CHECKOUT / ".funcignore").read_text().split()


def left_out(path: Path) -> bool:
    """Whether a pattern without a slash, which is all we use, matches any part of the path."""
    return any(fnmatchcase(part, pattern) for part in path.parts for pattern in PATTERNS)


def test_no_pattern_needs_more_than_names() -> None:
    assert [pattern for pattern in PATTERNS if set("/!#") & set(pattern)] == []


@pytest.mark.parametrize("name", ["function_app.py", "functions", "host.json", "requirements.txt", "shared"])
def test_what_the_app_needs_is_deployed(name: str) -> None:
    top = CHECKOUT / name
    files = [path.relative_to(CHECKOUT) for path in (top.rglob("*") if top.is_dir() else [top]) if path.is_file()]
    assert files
    assert [path for path in files if left_out(path) and "__pycache__" not in path.parts] == []


@pytest.mark.parametrize(
    "name",
    [
        *("bench", "dev", "docs", "infra", "local", "samples", "schema", "tests"),
        *(".git", ".gitignore", ".importlinter", ".local", ".venv", "local/node_modules", "shared/__pycache__"),
        *(
            "README.md",
            "azure.yaml",
            "LICENSE",
            "pyproject.toml",
            "requirements-dev.txt",
            "requirements-infra.txt",
            "requirements-ocr.txt",
            "constraints.txt",
        ),
        *("local.settings.json", "local.settings.json.example"),
    ],
)
def test_what_only_developers_need_is_left_out(name: str) -> None:
    assert left_out(Path(name))
