"""Visits pages as a learner's browser without JavaScript would, or as htmx does."""

import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User

HTMX = {"HX-Request": "true"}


def client_of(who: User) -> Client:
    """Return a client that is logged in."""
    client = Client()
    client.force_login(who)
    return client


def shown_errors_to(who: User) -> Client:
    """Return a client that is logged in and shown an error, as a browser is, instead of raising it."""
    client = client_of(who)
    client.raise_request_exception = False
    return client


def html_of(response: Any) -> str:
    """Return the page as text."""
    html: str = response.content.decode()
    return html


def words_of(html: str) -> str:
    """Return what is read on the page: its text with single spaces between the words."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def cells_of(html: str) -> list[list[str]]:
    """Return the words in the body rows of the page's tables, cell by cell."""
    rows = re.findall(r"<tr[ >].*?</tr>", html, re.DOTALL)
    cells = (re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL) for row in rows if "<td" in row)
    return [[words_of(cell) for cell in row] for row in cells]


def statements(client: Client, url: str) -> int:
    """Return how many database statements a page takes."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)
