"""What the tests of mails share: the pages' mail server is a real one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running.smtp_sink import Sink, smtp_sink
from tests.services.ticking import TIMEOUT


@pytest.fixture
def sink(tmp_path: Path, settings: Any) -> Iterator[Sink]:
    """A mail server to which our own process sends its mails."""
    with smtp_sink(tmp_path) as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_TIMEOUT = TIMEOUT
        yield running
