"""Finds what the browser tests need, or installs it: `python -m tests.running.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PLAYWRIGHT_FOLDERS = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
MISSING = (
    "The browser tests need Chromium: run `sudo apt-get install chromium` (Debian), "
    "`.venv/bin/python -m playwright install --with-deps chromium` (Ubuntu), "
    "`brew install --cask chromium` (macOS), or set CHROMIUM to a Chromium or Chrome you have."
)
DRIVER_DOES_NOT_RUN = "The browser tests need the library libatomic: run `sudo apt-get install libatomic1`."


def main() -> None:
    """Make sure that there is a Chromium and what drives it, or stop with one sentence on how to get it."""
    if not driver_runs() and may_install_packages():
        apt("update")
        apt("install", "--yes", "libatomic1")
    if not driver_runs():
        sys.exit(DRIVER_DOES_NOT_RUN)
    if not (find() or downloaded()):
        install()
    if not (find() or downloaded()):
        sys.exit(MISSING)


def find() -> str | None:
    """Return the path of the machine's Chromium or Chrome; CHROMIUM, when set, decides."""
    if chosen := os.environ.get("CHROMIUM"):
        return shutil.which(chosen) or sys.exit(f"CHROMIUM is {chosen}, which is no program here.")
    on_path = next((found for name in NAMES if (found := shutil.which(name))), None)
    return on_path or next((app for app in MACOS_APPS if Path(app).exists()), None)


def downloaded() -> bool:
    """Say whether playwright has downloaded a browser of its own, which it finds by itself."""
    return any(any(Path(folder).expanduser().glob("chromium*-*")) for folder in PLAYWRIGHT_FOLDERS)


def driver_runs() -> bool:
    """Say whether playwright's driver starts: a Node program that needs more than a bare Debian has."""
    command = [sys.executable, "-m", "playwright", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def install() -> None:
    """Install Chromium as root from Debian's packages, else ask playwright to download one."""
    print("Installing Chromium for the browser tests", flush=True)
    if may_install_packages() and is_debian():
        apt("update")
        apt("install", "--yes", "--no-install-recommends", "chromium")
    else:
        dependencies = ["--with-deps"] if may_install_packages() else []
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", *dependencies, "chromium"], check=False
        )


def may_install_packages() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def is_debian() -> bool:
    """Tell Debian, whose package chromium is one, from Ubuntu, whose package only asks for a snap."""
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text().splitlines()


def apt(*words: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
