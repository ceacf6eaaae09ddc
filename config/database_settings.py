"""DATABASE_URL as Django's settings."""

from pathlib import Path
from typing import Any, Final

import environ

SECONDS_KEPT: Final = 600  # an idle connection, before it is opened anew
TIMES_UNPREPARED: Final = 5  # of a statement through accounts.rows.prepared()
# What is prepared finds its rows by indexes whatever the values, so it needn't be planned for each of them.
PLANNED_ONCE: Final = "-c plan_cache_mode=force_generic_plan"
# To compile a statement takes PostgreSQL longer than any of ours runs.
NOT_COMPILED: Final = "-c jit=off"
# A server that went away without a word is noticed by the kernel within half a minute, where it can; how long
# a request waits says config/patience.py.
POSTGRESQL: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
SQLITE: Final = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}


def from_url(url: str, *, password: str = "", pooled: bool = False) -> dict[str, Any]:
    """Return the entry of DATABASES for this address.

    SQLite is opened so that two writers wait for each other instead of failing: IMMEDIATE takes the write
    lock when a transaction begins, so a read never has to be upgraded to a write half way, which SQLite
    refuses at once whatever the timeout. Its folder is made.

    A `password` fills the place of one that the address doesn't hold. `pooled` says that between us and
    PostgreSQL stands a pooler which may give each transaction another connection: then no cursor and no
    prepared statement may outlive its transaction.
    """
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if config["ENGINE"].endswith("sqlite3"):
        Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        config["OPTIONS"] = dict(SQLITE)
    else:
        config["ENGINE"] = "config.postgresql"
        config["OPTIONS"] = POSTGRESQL | config.get("OPTIONS", {})
        config["OPTIONS"]["prepare_threshold"] = None if pooled else TIMES_UNPREPARED
        if not pooled:
            config["OPTIONS"].setdefault("options", f"{PLANNED_ONCE} {NOT_COMPILED}")
        config["PASSWORD"] = config["PASSWORD"] or password
        config["DISABLE_SERVER_SIDE_CURSORS"] = pooled
    return config | {"CONN_MAX_AGE": SECONDS_KEPT, "CONN_HEALTH_CHECKS": True}
