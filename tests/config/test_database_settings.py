"""DATABASE_URL: SQLite opens for two writers, PostgreSQL with its password and behind a pooler."""

from config import database_settings

POSTGRES = "postgres://engram@db.example:5432/engram"


def test_a_password_by_file_fills_the_gap_in_the_address_and_replaces_none():
    assert database_settings.from_url(POSTGRES, password="p@ss/word")["PASSWORD"] == "p@ss/word"
    given = "postgres://engram:own@db.example/engram"
    assert database_settings.from_url(given, password="other")["PASSWORD"] == "own"


def test_behind_a_pooler_no_cursor_and_no_plan_outlives_its_transaction():
    assert database_settings.from_url(POSTGRES, pooled=True)["OPTIONS"]["prepare_threshold"] is None
    assert "options" not in database_settings.from_url(POSTGRES, pooled=True)["OPTIONS"]
    direct = database_settings.from_url(POSTGRES)["OPTIONS"]
    assert direct["prepare_threshold"] is not None
    assert direct["options"] == "-c plan_cache_mode=force_generic_plan -c jit=off"
    assert database_settings.from_url(POSTGRES, pooled=True)["DISABLE_SERVER_SIDE_CURSORS"]
    assert not database_settings.from_url(POSTGRES)["DISABLE_SERVER_SIDE_CURSORS"]


def test_a_server_that_does_not_answer_is_given_up_and_options_of_the_address_stay():
    options = database_settings.from_url(f"{POSTGRES}?sslmode=require&connect_timeout=9")["OPTIONS"]
    assert options | {"sslmode": "require", "connect_timeout": 9} == options
    idle, pause, times = (options[f"keepalives_{name}"] for name in ("idle", "interval", "count"))
    assert idle + pause * times <= 30
    assert options["tcp_user_timeout"] < 30_000


def test_two_writers_on_sqlite_wait_for_each_other(tmp_path):
    config = database_settings.from_url(f"sqlite:///{tmp_path}/new/engram.sqlite3")
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert (tmp_path / "new").is_dir()
