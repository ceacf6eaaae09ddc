"""A learner's requests to a site of its own, and all that is answered."""

import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from tests.services.grade_storm import TOKEN
from tests.services.one_site import Site

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, and after how many seconds."""

    status: int
    text: str
    retry_after: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Asking:
    """A logged-in browser."""

    site: Site
    session: str

    def ask(self, path: str, values: dict[str, object] | None = None, **headers: str) -> Answered:
        """Get the page, or send the form."""
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"sessionid={self.session}; csrftoken={TOKEN}",
            "Host": f"localhost:{self.site.port}",
            "X-CSRFToken": TOKEN,
        }
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=SECONDS)
        try:
            method, body = ("GET", None) if values is None else ("POST", urlencode(values))
            connection.request(method, path, body, sent | headers)
            response = connection.getresponse()
            text = response.read().decode()
            seconds = time.monotonic() - began
            return Answered(response.status, text, response.getheader("Retry-After"), seconds)
        finally:
            connection.close()

    def grade(self, card: int, submission: UUID) -> Answered:
        """Answer a new card."""
        return self.ask(f"/review/{card}/grade/", {"grade": 4, "submission": submission, "version": 0})
