"""Two at once, of whom one has to wait for what the other holds."""

from threading import Event, Thread

from django.db import connection


def is_waited() -> bool:
    """Whether somebody waits for a lock; SQLite's writers wait before they have begun, and don't say so."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def one_waits_for_the_other(first: Thread, second: Thread, holding: Event, go_on: Event) -> None:
    """Run both: the second once the first is `holding`, which may `go_on` when the second waits for it."""
    first.start()
    assert holding.wait(60)
    second.start()
    while second.is_alive() and not is_waited():
        pass
    go_on.set()
    first.join()
    second.join()
