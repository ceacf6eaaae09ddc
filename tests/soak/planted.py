"""Plants one bug after the other into a copy of the project, and looks whether its test turns red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.soak.bugs import BUGS, Bug, Vendor

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", ".env", "__pycache__", ".*_cache")
FAILED = 1  # pytest's exit status when tests ran and one of them failed


def main() -> int:
    """Print for every bug whether it was noticed; return the exit status. Needs DATABASE_URL."""
    missed = [bug for bug in BUGS if not noticed(bug)]
    if sound := trouble_without_bugs():
        sys.stdout.write(sound)
    return 1 if missed or sound else 0


def noticed(bug: Bug) -> bool:
    """Plant it and run its test; return whether that failed, and say so."""
    with TemporaryDirectory(prefix="engram-planted-") as folder:
        copy = Path(folder) / "engram"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for edit in bug.edits:
            file = copy / edit.file
            text = file.read_text()
            assert text.count(edit.old) == 1, f"{edit.old!r} isn't once in {edit.file}"
            file.write_text(text.replace(edit.old, edit.new))
        run = tested(copy, bug.on, [bug.test])
    red = run.returncode == FAILED and f"FAILED {bug.test}" in run.stdout
    sys.stdout.write(f"{'noticed' if red else 'NOT NOTICED':<14}{bug.what} ({bug.on})\n")
    sys.stdout.flush()
    if not red:
        sys.stdout.write(run.stdout[-2_000:])
    return red


def trouble_without_bugs() -> str:
    """Run the same tests on the project as it is; return what they say if one fails."""
    said = ""
    for vendor in {bug.on for bug in BUGS}:
        run = tested(ROOT, vendor, sorted({bug.test for bug in BUGS if bug.on == vendor}))
        said += run.stdout[-2_000:] if run.returncode else ""
    return said


def tested(folder: Path, vendor: Vendor, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run these tests in the folder, on this database."""
    url = os.environ["DATABASE_URL"] if vendor == "PostgreSQL" else ""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"DATABASE_URL": url}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
