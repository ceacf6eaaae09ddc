from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from config import serving
from config.supervising import KeepsStopping


class Command(BaseCommand):
    """Runs web server, worker and beat together; docs/operations.md says which processes there are."""

    help = "Serve Engram on this machine, with all that it needs: web server, worker, beat and a Redis."
    requires_system_checks = []  # they are `make check`'s, and the first page shouldn't wait for them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--bind",
            default=f"127.0.0.1:{settings.PORT}",
            metavar="HOST:PORT",
            help="where to listen (default: %(default)s)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])  # is it newer than this release?
        connections.close_all()
        try:
            with serving.listen(options["bind"]) as listener:
                port = listener.getsockname()[1]
                self.stdout.write(f"Engram is on http://localhost:{port}/ (Ctrl-C stops it)")
                serving.serve(listener, self.stderr.write)
        except (serving.CannotServe, KeepsStopping) as error:
            raise CommandError(str(error)) from error
