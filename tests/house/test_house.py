"""The house's own rules that no linter knows."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Tests are a list that nobody reads from end to end, so a module of them may be longer.
LINES_OF = {"module": 250, "test module": 600, "function": 40, "template": 80}


def repository_files(pattern: str) -> list[Path]:
    """Return what git tracks or would track, so that environments and generated files don't count."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for name in listed if (path := ROOT / name).exists()]


def locked_names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / lock).read_text(), re.MULTILINE))


def required_names(requirements: list[str]) -> set[str]:
    names = [re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] for line in requirements]
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_dependency_of_pyproject_is_locked(lock):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    required = required_names(project["project"]["dependencies"])
    if lock == "requirements-dev.lock":
        required |= required_names(project["dependency-groups"]["dev"])
    assert required <= locked_names(lock), "run `make lock`"


def test_the_development_lock_installs_the_same_versions_as_the_runtime_lock():
    runtime, development = (
        set(re.findall(r"^[a-z0-9.-]+==[^ ;\\]+", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime <= development, "run `make lock`"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_names_no_registry_and_every_package_has_its_hashes(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)
    assert len(re.findall(r"^[a-z0-9.-]+==.*\\\n    --hash", text, re.MULTILINE)) == len(locked_names(lock))


def test_every_variable_of_the_settings_is_explained_in_env_example():
    read = set(re.findall(r"env\.[a-z]+\(\"([A-Z_]+)\"", (ROOT / "config" / "settings.py").read_text()))
    assert "SECRET_KEY" in read
    explained = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read == explained


def test_no_module_is_longer_than_a_reader_can_hold():
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for path in repository_files("*.py")
        if "migrations" not in path.parts  # written by makemigrations
        and (lines := count_lines(path))
        > LINES_OF["test module" if path.name.startswith("test_") else "module"]
    ]
    assert not long


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines}"
        for path in repository_files("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_OF["function"]
    ]
    assert not long


def test_no_template_is_longer_than_a_reader_can_hold():
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for path in repository_files("templates/*.html")
        if (lines := count_lines(path)) > LINES_OF["template"]
    ]
    assert not long


def count_lines(path: Path) -> int:
    return len(path.read_text().splitlines())
