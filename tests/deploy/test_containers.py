"""What the container files promise, read from them: nothing open that needn't be, all within limits."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MAIN, PROXY, MAILS = "docker-compose.yml", "deploy/proxy.yml", "deploy/mail-catcher.yml"
PUBLISHED_BY_DESIGN = {"80:80", "443:443", "443:443/udp"}
# What containers don't get from .env, and why.
NOT_HANDED_ON = {
    "DATABASE_PASSWORD": "comes from the file that the database's own container makes",
    "DEBUG": "has no place in a container that others may reach",
    "PORT": "is a matter of the host; inside it is 8000",
    "VAR_DIR": "is part of the image",
}


def compose(file):
    return yaml.safe_load((ROOT / file).read_text())


SERVICES = {
    name: service for file in (MAIN, PROXY, MAILS) for name, service in compose(file)["services"].items()
}
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "engram:local"}
LASTING = {name: service for name, service in SERVICES.items() if name != "migrate"}
each_service = pytest.mark.parametrize("name", SERVICES)
each_lasting_service = pytest.mark.parametrize("name", LASTING)


def test_the_main_file_brings_the_others_along():
    assert compose(MAIN)["include"] == [PROXY, MAILS]


def test_there_are_these_services_and_no_others():
    assert set(OURS) == {"migrate", "web", "worker", "beat"}
    assert set(SERVICES) - set(OURS) == {"postgres", "redis", "proxy", "mail"}


def test_the_image_is_built_once_for_all_of_ours():
    assert [name for name, service in SERVICES.items() if "build" in service] == ["migrate"]


def test_every_image_of_others_is_pinned_by_version():
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    loose = [image for image in images if not re.search(r":v?\d+(\.\d+)*(-[a-z]+)*$", image)]
    assert not loose


@each_service
def test_a_service_writes_only_where_it_must_and_gains_no_rights(name):
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [*OURS, "proxy", "mail"])
def test_what_needs_no_rights_of_root_has_none(name):
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name].get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])


@each_service
def test_a_service_has_limits_and_its_log_is_rotated(name):
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert {"cpus", "memory"} == set(limits)
    assert {"max-size", "max-file"} == set(SERVICES[name]["logging"]["options"])


@each_lasting_service
def test_a_service_that_lasts_comes_back_by_itself_and_is_asked_for_its_health(name):
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_ours_wait_for_the_services_and_for_the_migrations(name):
    assert SERVICES[name]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }


def test_database_and_queue_are_reached_from_inside_only():
    assert compose(MAIN)["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


def test_proxy_and_mail_catcher_do_not_reach_the_database():
    assert SERVICES["proxy"]["networks"] == SERVICES["mail"]["networks"] == ["outside"]


def test_only_the_proxy_is_open_to_the_world_and_only_when_asked_for():
    for name, service in SERVICES.items():
        open_ports = {port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")}
        assert open_ports == (PUBLISHED_BY_DESIGN if name == "proxy" else set())
    assert SERVICES["proxy"]["profiles"] == ["public"]
    assert SERVICES["mail"]["profiles"] == ["development"]


def test_only_migrations_may_write_where_the_secrets_lie():
    mounts = {name: service["volumes"] for name, service in OURS.items()}
    assert mounts.pop("migrate") == ["keys:/run/engram"]
    assert all(volumes == ["keys:/run/engram:ro"] for volumes in mounts.values())


def explained():
    text = (ROOT / ".env.example").read_text()
    return set(re.findall(r"^(?:# )?([A-Z_]+)=", text, re.MULTILINE))


def handed_on():
    return set(OURS["web"]["environment"])


def test_every_variable_of_the_settings_reaches_the_containers():
    assert explained() - handed_on() == set(NOT_HANDED_ON)


def test_every_variable_that_the_compose_files_read_is_in_env_example():
    text = "".join((ROOT / file).read_text() for file in (MAIN, PROXY, MAILS))
    read = set(re.findall(r"\$\{([A-Z_]+)", text)) | {
        name for name, value in OURS["web"]["environment"].items() if value is None
    }
    named = set(re.findall(r"\b[A-Z_]{4,}\b", (ROOT / ".env.example").read_text()))
    assert read <= named
    assert "COMPOSE_PROFILES" in named


def test_web_worker_beat_and_migrations_are_told_the_same():
    common = {name: service["environment"] for name, service in OURS.items() if name != "web"}
    assert all(given.items() <= OURS["web"]["environment"].items() for given in common.values())


def test_no_secret_stands_in_a_container_file():
    files = [ROOT / name for name in ("Dockerfile", MAIN, PROXY, MAILS)]
    given = re.findall(r"(?:PASSWORD|SECRET_KEY|TOKEN)[:=] *([^\s#\\]+)", "".join(map(Path.read_text, files)))
    assert given == ["none"]  # the build's, which is used for nothing


def test_the_web_server_has_more_time_to_finish_than_it_takes():
    dockerfile = (ROOT / "Dockerfile").read_text()
    (graceful,) = re.findall(r'"--graceful-timeout", "(\d+)"', dockerfile)
    assert int(graceful) < int(SERVICES["web"]["stop_grace_period"].removesuffix("s"))


def stages():
    return (ROOT / "Dockerfile").read_text().split("\nFROM ")[1:]


def test_the_last_stage_installs_nothing_and_runs_as_nobody_in_particular():
    _build, last = stages()
    assert "pip" not in last
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)


def test_the_image_holds_what_is_locked_with_its_hashes():
    assert "install --no-compile --require-hashes -r requirements.lock" in stages()[0]


def test_only_what_is_named_gets_into_the_image():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert all((ROOT / name).exists() for name in let_in)
    assert not let_in & {".env", ".git", "tests", "var", "docs"}
    assert let_in >= {"accounts", "config", "flashcards"}
    assert "pyproject.toml" in let_in, "the image knows its release by it (flashcards/operating/machines.py)"


def test_hadolint_finds_nothing_in_the_dockerfile():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_password_of_the_database_is_made_once_and_kept(tmp_path):
    """The script that starts PostgreSQL, with stand-ins for what only root and only its image has."""
    keys = tmp_path / "keys"
    keys.mkdir()
    for name, text in (("chown", "exit 0"), ("docker-entrypoint.sh", 'echo "$POSTGRES_PASSWORD $*"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    script = (ROOT / "deploy" / "start-postgres.sh").read_text()
    script = script.replace("/run/engram", str(keys)).replace("/usr/local/bin", str(tmp_path))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = ["sh", "-c", script, "sh", "postgres"]
    said = [subprocess.check_output(command, env=path, text=True) for _ in range(2)]
    password = (keys / "database_password").read_text()
    assert re.fullmatch("[0-9a-f]{64}", password)
    assert said == [f"{password} postgres\n"] * 2
    assert (keys / "database_password").stat().st_mode & 0o077 == 0
