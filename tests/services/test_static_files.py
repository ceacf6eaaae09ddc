"""Style sheets, scripts and fonts as they are served: named by content, packed, kept for ever."""

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.services.mail_storm import until
from tests.services.one_site import ROOT, Site, static_files

URL = re.compile(r"url\(\"?'?([^\"')]+)")
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")
FOR_EVER = "max-age=315360000, public, immutable"
PACKED = ("css", "js", "svg")
OWN = ("css/", "js/", "fonts/", "img/")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A web server without a database: its files need none."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "static").symlink_to(Path(static_files().name) / "static")
    with running(Site(folder, "postgres://nobody@localhost/none")) as one:
        yield one


@contextmanager
def running(one: Site) -> Iterator[Site]:
    """Run its web server, which answers from the beginning."""
    one.start()
    try:
        assert until(lambda: answers(one), 30)
        yield one
    finally:
        one.stop()


def answers(one: Site) -> bool:
    try:
        return ask(one, "/healthz")[0] == 200
    except OSError:
        return False


def ask(one: Site, path: str, encoding: str = "identity") -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Host": "localhost", "Accept-Encoding": encoding})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def named(served: Site) -> dict[str, str]:
    """Return our own files with the names that pages know them by."""
    listed = json.loads((served.folder / "static" / "staticfiles.json").read_text())["paths"]
    return {path: name for path, name in listed.items() if path.startswith(OWN)}


def test_every_file_is_named_by_its_content_and_kept_for_ever(served):
    files = named(served)
    assert {Path(path).suffix for path in files} >= {".css", ".js", ".woff2"}
    for path, name in files.items():
        status, headers, _ = ask(served, f"/static/{name}")
        assert (status, HASHED.search(name) is not None) == (200, True), name
        assert headers["Cache-Control"] == FOR_EVER, path


def test_a_name_without_its_content_is_not_kept_for_ever(served):
    status, headers, _ = ask(served, "/static/css/app.css")
    assert status == 200
    assert "immutable" not in headers["Cache-Control"]


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_what_is_text_is_packed_either_way(encoding, served):
    texts = {path: name for path, name in named(served).items() if path.endswith(PACKED)}
    assert texts
    for path, name in texts.items():
        plain = ask(served, f"/static/{name}")[2]
        _, headers, content = ask(served, f"/static/{name}", encoding)
        assert headers["Vary"] == "Accept-Encoding", path
        assert headers["Content-Encoding"] == encoding, path
        assert len(content) < len(plain), path


def test_style_sheets_name_no_file_without_its_content(served):
    sheets = [name for path, name in named(served).items() if path.endswith(".css")]
    inside = [url for name in sheets for url in URL.findall(ask(served, f"/static/{name}")[2].decode())]
    assert inside
    assert [url for url in inside if not HASHED.search(url) and not url.startswith("data:")] == []


@pytest.mark.parametrize("collected", [True, False])
def test_on_a_laptop_they_are_named_by_content_where_they_were_collected(collected, tmp_path):
    if collected:
        (tmp_path / "static").symlink_to(Path(static_files().name) / "static")
    with running(Site(tmp_path)) as one:
        (sheet, *_) = re.findall(r'href="([^"]+\.css)"', ask(one, "/about/")[2].decode())
        status, headers, _ = ask(one, sheet, "gzip")
    named = (
        HASHED.search(sheet) is not None,
        headers["Cache-Control"] == FOR_EVER,
        "Content-Encoding" in headers,
    )
    assert (status, *named) == (200, *[collected] * 3)


def test_make_run_collects_what_has_changed(tmp_path):
    command = ["make", "-n", "run", f"VAR_DIR={tmp_path}"]

    def collects() -> bool:
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return " collectstatic " in run.stdout.split(" serve ")[0]

    assert collects()
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "staticfiles.json").touch()
    assert not collects()
