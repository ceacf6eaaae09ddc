"""The WSGI entry point for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_wsgi_application()

# What follows needs the settings and the models.
from config import error_reports, tallying  # noqa: E402

error_reports.start()
application = tallying.kept(pages)
