"""Whether the time that a form takes tells who has an account: it must be the same for both.

The forms are asked in process, with real password hashes and each mail written into memory.
"""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import count
from time import perf_counter
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client, override_settings

from accounts.models import User
from tests.bench.report import Row
from tests.bench.timing import measured
from tests.bench.world import World

BUDGET_MS = 5
ROUNDS = 25
PASSWORD = "three unlikely words"
FORMS = {
    "log-in with a wrong password": ("/accounts/login/", {"login": "{}", "password": "another one"}),
    "password reset": ("/accounts/password/reset/", {"email": "{}"}),
    "sign-up": ("/accounts/signup/", {"email": "{}", "password1": "some other four words"}),
}

_numbers = count(1)


def rows(world: World) -> Iterator[Row]:
    """Yield, for each form, how far apart a known and an unknown address are."""
    backend = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
    with world.few.database.chosen(), backend:
        mail.outbox = []
        for what, (path, form) in FORMS.items():
            known, unknown = measured(_taken(path, form, _known), _taken(path, form, _unknown), rounds=ROUNDS)
            seen = f"{known.median:.2f} ms against {unknown.median:.2f} ms; {ROUNDS} of each in turn"
            apart = abs(known.median - unknown.median)
            yield Row(f"{what}, known against unknown address", "ms", apart, budget=BUDGET_MS, seen=seen)
        User.objects.filter(email__endswith="@telling.example").delete()


def _known() -> str:
    """Return the address of another account each time: to the limits it is a first attempt."""
    address = f"learner{next(_numbers)}@telling.example"
    user = User.objects.create_user(address, PASSWORD)
    EmailAddress.objects.create(user=user, email=address, primary=True, verified=True)
    return address


def _unknown() -> str:
    """Return an address that nobody has, after the same work, so that nothing before the form differs."""
    return f"not-{_known()}"


def _taken(path: str, form: dict[str, str], address: Callable[[], str]) -> Callable[[], float]:
    """Return a function that sends the form and says how many milliseconds its answer took."""

    def ask() -> float:
        sent = {name: value.format(whose) for whose in [address()] for name, value in form.items()}
        client = Client(SERVER_NAME="localhost")
        cache.key_prefix = str(uuid4())  # no limit has been reached
        began = perf_counter()
        answer = client.post(path, sent)
        took = 1_000 * (perf_counter() - began)
        assert answer.status_code in (HTTPStatus.OK, HTTPStatus.FOUND)
        return took

    return ask
