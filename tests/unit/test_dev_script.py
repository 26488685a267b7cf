"""The script `dev` with Python and pip replaced by small shell scripts: which Python it takes and what it installs."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "dev"
TOOLS = ("sh", "cat", "cksum", "dirname", "date", "mkdir", "rm", "tail", "chmod", "cp", "env")
# Answers like a Python: its version to the first question, makes a venv that holds a copy of itself, "installs".
FAKE_PYTHON = """#!/bin/sh
echo "$0 $*" >>"$CALLS"
case "$*" in
    *sys.version_info*) echo {version}; exit {too_old} ;;
    *ensurepip*) exit {no_venv} ;;
    "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    *"pip install"*) echo "Collecting something"; exit "${{PIP_STATUS:-0}}" ;;
    "-m local"*) echo "ran: $*" ;;
esac
"""


@dataclass(frozen=True)
class Machine:
    """A checkout with the script in it and a PATH with nothing but the fakes and a few tools."""

    root: Path
    bin: Path

    def install_python(self, name: str, *, version: str = "3.12", too_old: bool = False, no_venv: bool = False) -> None:
        text = FAKE_PYTHON.format(version=version, too_old=int(too_old), no_venv=int(no_venv))
        self._executable(name, text)

    def install_broken_python(self, name: str) -> None:
        self._executable(name, "#!/bin/sh\necho 'version not selected' >&2\nexit 127\n")

    def dev(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": str(self.bin), "CALLS": str(self.root.parent / "calls"), **env}
        command = [str(self.root / "dev"), *arguments]
        return subprocess.run(command, env=variables, cwd="/", capture_output=True, text=True, check=False)

    def calls(self) -> str:
        return (self.root.parent / "calls").read_text()

    def _executable(self, name: str, text: str) -> None:
        file = self.bin / name
        file.write_text(text)
        file.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root, binaries = tmp_path / "checkout", tmp_path / "bin"
    root.mkdir()
    binaries.mkdir()
    for tool in TOOLS:
        (binaries / tool).symlink_to(shutil.which(tool) or tool)
    shutil.copy(SCRIPT, root / "dev")
    for name in ("requirements.txt", "requirements-dev.txt", "constraints.txt"):
        (root / name).write_text(f"{name}\n")
    return Machine(root, binaries)


def test_the_script_is_executable_and_plain_sh() -> None:
    assert os.access(SCRIPT, os.X_OK)
    assert SCRIPT.read_text().startswith("#!/bin/sh\n")


def test_the_arguments_reach_the_program_from_any_directory(machine: Machine) -> None:
    machine.install_python("python3")
    done = machine.dev("test", "-k", "a or b")
    assert done.returncode == 0
    assert done.stdout.endswith("ran: -m local test -k a or b\n")


def test_a_python_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.install_broken_python("python3.13")
    machine.install_python("python3.12")
    assert machine.dev().returncode == 0
    assert f"{machine.bin}/python3.12 -m venv .venv" in machine.calls()


def test_a_python_that_is_too_old_is_passed_over(machine: Machine) -> None:
    machine.install_python("python3", version="3.9", too_old=True)
    machine.install_python("python", version="3.11")
    assert machine.dev().returncode == 0
    assert f"{machine.bin}/python -m venv .venv" in machine.calls()


def test_no_python_is_told_with_what_to_install(machine: Machine) -> None:
    machine.install_broken_python("python3.12")
    done = machine.dev()
    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert "Install one" in done.stderr


def test_a_python_without_venv_is_told_with_its_package(machine: Machine) -> None:
    machine.install_python("python3", version="3.11", no_venv=True)
    done = machine.dev()
    assert done.returncode == 1
    assert "apt install python3.11-venv" in done.stderr


def test_requirements_are_installed_once(machine: Machine) -> None:
    machine.install_python("python3")
    first, second = machine.dev(), machine.dev()
    assert "Python packages into .venv" in first.stderr
    assert first.stdout == "ran: -m local\n"
    assert second.stdout == "ran: -m local\n"
    assert machine.calls().count("pip install") == 1
    assert "-r requirements-dev.txt -c constraints.txt" in machine.calls()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "constraints.txt"])
def test_a_changed_requirement_file_is_installed_again(machine: Machine, name: str) -> None:
    machine.install_python("python3")
    machine.dev()
    (machine.root / name).write_text("changed\n")
    machine.dev()
    assert machine.calls().count("pip install") == 2


def test_a_failed_install_is_told_and_tried_again(machine: Machine) -> None:
    machine.install_python("python3")
    failed = machine.dev(PIP_STATUS="1")
    assert failed.returncode == 1
    assert ".local/logs/pip.log" in failed.stderr
    assert "ran:" not in failed.stdout
    assert machine.dev().stdout.endswith("ran: -m local\n")


def test_an_environment_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.install_python("python3")
    machine.dev()
    (machine.root / ".venv" / "bin" / "python").unlink()
    assert machine.dev().stdout.endswith("ran: -m local\n")
    assert machine.calls().count("-m venv .venv") == 2
