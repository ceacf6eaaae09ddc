"""Secrets by file: the file's content stands for the variable, and a key that is made is made once."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import secret_files, secret_key

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", secret_files.NAMES)
def test_each_secret_may_stand_in_a_file(name, tmp_path):
    file = tmp_path / "secret"
    file.write_text("value with spaces \n")
    assert secret_files.read({f"{name}_FILE": str(file)}) == {name: "value with spaces"}


def test_the_variable_wins_over_its_file_unless_it_is_empty(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from the file")
    both = {"SECRET_KEY": "from the variable", "SECRET_KEY_FILE": str(file)}
    assert secret_files.read(both) == {}
    assert secret_files.read(both | {"SECRET_KEY": ""}) == {"SECRET_KEY": "from the file"}


def test_an_empty_name_and_a_file_for_no_secret_of_ours_are_left_alone():
    assert secret_files.read({"SECRET_KEY_FILE": "", "SSL_CERT_FILE": "/no/such/file"}) == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "can’t be read"), (b"", "empty"), (b" \n", "empty"), (b"\xff\xfe\xff", "text")],
)
def test_a_file_without_a_secret_is_refused_by_name(content, says, tmp_path):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=says) as refused:
        secret_files.read({"SECRET_KEY_FILE": str(file)})
    assert "SECRET_KEY_FILE" in str(refused.value)


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path):
    path = tmp_path / "var" / "secret_key"
    key = secret_key.kept_in(path)
    assert len(key) >= 50
    assert secret_key.kept_in(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_begin_at_once_have_the_same_key(tmp_path):
    path = tmp_path / "secret_key"
    with ThreadPoolExecutor(16) as threads:
        assert len(set(threads.map(lambda _: secret_key.kept_in(path), range(64)))) == 1


def test_the_command_makes_the_key_that_the_variable_names_and_none_beside_one_that_is_given(tmp_path):
    made, unmade = tmp_path / "made", tmp_path / "unmade"
    for path, given in ((made, ""), (unmade, "a key")):
        own = {"SECRET_KEY": given, "SECRET_KEY_FILE": str(path)}
        subprocess.run(
            [sys.executable, "-m", "config.secret_key"], cwd=ROOT, env=os.environ | own, check=True
        )
    assert made.exists()
    assert not unmade.exists()


def test_every_file_that_may_hold_a_secret_is_named_in_env_example():
    text = (ROOT / ".env.example").read_text()
    assert all(f"{name}_FILE" in text for name in secret_files.NAMES)
