"""Runs the benchmark: `make bench`, `make bench SIZE=large`, `make bench-load` or `make bench-scale`."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import django

SETTINGS = {
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "BASE_URL": "http://localhost:8000",
    "DEBUG": "0",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "for-benchmarks-only",
}

with TemporaryDirectory() as folder:
    os.environ.update(SETTINGS, VAR_DIR=folder)
    django.setup()

    from tests.bench import run

    run.main(Path(folder), *sys.argv[1:])
