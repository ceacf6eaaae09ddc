"""What a server must be told: on this machine next to nothing, under a public name everything."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import required
from config.required import Given, Reach

ROOT = Path(__file__).resolve().parents[2]
KEY = "bM3-tq9ZrV_7hXkD2sWcY8nJfLpG5uEaQvR6iToK1zHx4C-w0yN_dBqSmUeAgPjFtZlXk"
PUBLIC = Given(
    has_database=True,
    debug=False,
    secret_key=KEY,
    base_url="https://engram.example",
    allowed_hosts=["engram.example"],
    email_url="smtp+tls://user:password@mail.example:587",
    email_from="Engram <engram@engram.example>",
)
NOTHING = Given(
    has_database=True,
    debug=False,
    secret_key="",
    base_url="",
    allowed_hosts=["localhost", "127.0.0.1", "[::1]"],
    email_url="",
    email_from="",
)
LAPTOP = replace(NOTHING, has_database=False)


def names(given):
    """Return the settings that are asked for."""
    return [line.removeprefix("- ").split()[0] for line in required.problems(given)]


@pytest.mark.parametrize(
    ("base_url", "reach"),
    [
        ("http://localhost:8000", Reach.THIS_MACHINE),
        ("http://engram.localhost", Reach.THIS_MACHINE),
        ("http://127.0.0.1:8000", Reach.THIS_MACHINE),
        ("http://[::1]:8000", Reach.THIS_MACHINE),
        ("http://192.168.1.20:8000", Reach.HOME),
        ("http://10.0.0.5", Reach.HOME),
        ("http://[fd00::1]", Reach.HOME),
        ("http://raspberrypi:8000", Reach.HOME),
        ("http://engram.local", Reach.HOME),
        ("http://engram.home.arpa.", Reach.HOME),
        ("https://engram.example", Reach.PUBLIC),
        ("https://localhost.engram.example", Reach.PUBLIC),
        ("https://notlocalhost.example", Reach.PUBLIC),
        ("http://8.8.8.8", Reach.PUBLIC),
        ("http://[2606:4700::1111]", Reach.PUBLIC),
        ("http://[broken", Reach.PUBLIC),
        ("", Reach.PUBLIC),
    ],
)
def test_an_address_is_as_public_as_its_host(base_url, reach):
    assert required.reach(base_url) is reach


def test_a_server_with_everything_starts():
    required.check(PUBLIC)


def test_a_server_with_nothing_is_told_of_everything_at_once():
    assert names(NOTHING) == ["BASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "EMAIL_URL", "EMAIL_FROM"]
    with pytest.raises(ImproperlyConfigured) as refused:
        required.check(NOTHING)
    assert all(name in str(refused.value) for name in names(NOTHING))


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("secret_key", "", "secrets.token_urlsafe(50)"),
        ("secret_key", "for-tests-only", "too short"),
        ("secret_key", "x" * 60, "too simple"),
        ("secret_key", "django-insecure-" + KEY, "guessed"),
        ("base_url", "", "https://engram.example"),
        ("allowed_hosts", [], "Add engram.example."),
        ("allowed_hosts", ["localhost", "127.0.0.1"], "Add engram.example."),
        ("allowed_hosts", ["*"], "every name"),
        ("email_url", "", "smtp+tls://"),
        ("email_url", "consolemail://", "nobody"),
        ("email_url", "filemail:///srv/mails", "nobody"),
        ("email_from", "", "engram@engram.example"),
        ("email_from", "Engram", "no address"),
        ("debug", True, "code and settings"),
        ("base_url", "http://engram.example", "https://"),
    ],
)
def test_a_public_server_with_one_thing_wrong_is_told_of_that_one(setting, value, says):
    given = replace(PUBLIC, **{setting: value})
    assert names(given) == [setting.upper()]
    assert says in required.problems(given)[0]


def test_a_public_name_on_sqlite_is_a_server_too():
    given = replace(PUBLIC, has_database=False, secret_key="", email_url="")
    assert names(given) == ["SECRET_KEY", "EMAIL_URL"]


def test_a_wildcard_for_subdomains_lets_the_name_through():
    required.check(replace(PUBLIC, allowed_hosts=[".engram.example"]))


def test_an_address_that_is_none_is_told_so():
    given = replace(PUBLIC, base_url="engram.example")
    assert "which is no address" in required.problems(given)[0]


def test_no_sentence_holds_a_secret():
    given = replace(PUBLIC, secret_key="hunter2", email_url="consolemail://user:hunter3@", debug=True)
    assert "hunter" not in "\n".join(required.problems(given))


def test_a_laptop_needs_nothing():
    required.check(LAPTOP)
    required.check(replace(LAPTOP, debug=True, base_url="http://localhost:8000"))


def test_at_home_a_laptop_needs_only_its_name_among_the_allowed():
    phone = replace(LAPTOP, base_url="http://192.168.1.20:8000")
    assert names(phone) == ["ALLOWED_HOSTS"]
    required.check(replace(phone, allowed_hosts=["192.168.1.20"]))
    required.check(replace(phone, base_url="http://[fd00::1]:8000", allowed_hosts=["[fd00::1]"]))


def test_on_this_machine_a_server_may_print_its_mails_and_have_any_key():
    here = replace(NOTHING, base_url="http://localhost:8000", secret_key="for-tests-only")
    required.check(here)
    assert names(replace(here, secret_key="")) == ["SECRET_KEY"]


def test_at_home_a_server_may_print_its_mails_but_needs_a_good_key():
    home = replace(
        PUBLIC, base_url="http://engram.lan", allowed_hosts=["engram.lan"], email_url="", email_from=""
    )
    required.check(home)
    assert names(replace(home, secret_key="short")) == ["SECRET_KEY"]


PRINTS = """
import json
from django.conf import settings
database = settings.DATABASES["default"]
print(json.dumps([settings.SECRET_KEY, database["PASSWORD"], database.get("DISABLE_SERVER_SIDE_CURSORS")]))
"""
VARIABLES = {
    "ALLOWED_HOSTS": "engram.example",
    "BASE_URL": "https://engram.example",
    "DATABASE_URL": "postgres://engram@db.example/engram",
    "DEBUG": "0",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "EMAIL_FROM": "Engram <engram@engram.example>",
    "EMAIL_URL": "smtp://mail.example:25",
    "SECRET_KEY": KEY,
}


def process_with(**variables):
    """Start a process with these settings on top of a good server's; an empty one counts as none."""
    own = VARIABLES | variables
    return subprocess.run(
        [sys.executable, "-c", PRINTS],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_process_without_its_settings_ends_before_it_serves():
    done = process_with(SECRET_KEY="", ALLOWED_HOSTS="", BASE_URL="", EMAIL_URL="", EMAIL_FROM="")
    assert done.returncode
    told = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("- ")]
    assert told == ["BASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "EMAIL_URL", "EMAIL_FROM"]


def test_secrets_come_from_files(tmp_path):
    for name, content in (("key", f"{KEY}\n"), ("password", "p@ss/word\n")):
        (tmp_path / name).write_text(content)
    files = {"SECRET_KEY_FILE": str(tmp_path / "key"), "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    done = process_with(SECRET_KEY="", DATABASE_POOLED="1", **files)
    assert json.loads(done.stdout) == [KEY, "p@ss/word", True]


def test_a_file_that_cannot_be_read_stops_the_start_with_its_name(tmp_path):
    done = process_with(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "none"))
    assert done.returncode
    assert f"SECRET_KEY_FILE names {tmp_path / 'none'}, which can’t be read" in done.stderr
