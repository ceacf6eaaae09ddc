"""Makes accounts and the browsers they sit at, which send forms as real ones do, CSRF token and all."""

import re
from typing import Any

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY as WHOSE,
)
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY as METHODS
from allauth.account.internal.userkit import user_id_to_str
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client

from accounts.models import User

PASSWORD = "correct horse battery"
ADA = "ada@example.org"
EVE = "eve@example.org"


def account(email: str = ADA, password: str = PASSWORD, confirmed: bool = False, **fields: Any) -> User:
    """Return a saved account as sign-up leaves it."""
    user = User.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=confirmed)
    return user


def browser(who: User | None = None) -> Client:
    """Return a browser, logged in when somebody sits at it."""
    client = Client(enforce_csrf_checks=True)
    if who:
        client.force_login(who)
    return client


def app_of(user: User) -> str:
    """Give the account an authenticator app with recovery codes, and return the app's secret."""
    secret: str = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def code_of(secret: str, later: int = 0) -> str:
    """Return the six digits that the app shows now, or so many half minutes later."""
    step = list(totp.yield_hotp_counters_from_time())[1] + later
    return str(totp.format_hotp_value(totp.hotp_value(secret, step)))


def proven(client: Client, user: User) -> Client:
    """Return the browser as it is after its learner has shown a second factor."""
    if not Authenticator.objects.filter(user=user).exists():
        app_of(user)
    factor = Authenticator.objects.filter(user=user).first()
    session = client.session
    session[METHODS] = [{"method": "mfa", "at": 0, "id": factor.pk, "type": factor.type}]
    session[WHOSE] = user_id_to_str(user)
    session.save()
    return client


def just_asked(client: Client, user: User, at: float) -> Client:
    """Return the browser as it is after its learner was asked for the password again, and gave it."""
    session = client.session
    session[METHODS] = [{"method": "password", "at": at, "reauthenticated": True}]
    session[WHOSE] = user_id_to_str(user)
    session.save()
    return client


def visitor(time_zone: str = "Asia/Tokyo") -> Client:
    """Return the browser of somebody who tries Engram without an account."""
    client = browser()
    send(client, "/", to="/try/", time_zone=time_zone)
    return client


def send(client: Client, page: str, to: str = "", **typed: Any) -> Any:
    """Open the page, fill in its form and send it; `to` names the form's address where it is another."""
    return client.post(to or page, token_of(client, page) | typed)


def token_of(client: Client, page: str) -> dict[str, str]:
    """Open the page and return the hidden field that lets its form be sent."""
    found = re.search(r'name="(csrfmiddlewaretoken)" value="(\w+)"', client.get(page).content.decode())
    assert found, f"{page} has no form"
    return {found[1]: found[2]}


def sign_up(client: Client, email: str = ADA, password: str = PASSWORD, **typed: str) -> Any:
    return send(client, "/accounts/signup/", email=email, password1=password, **typed)


def log_in(client: Client, email: str = ADA, password: str = PASSWORD, **typed: str) -> Any:
    return send(client, "/accounts/login/", login=email, password=password, **typed)


def who_is_at(client: Client) -> User | None:
    """Return whose browser this is now."""
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key) if key else None


def text_of(response: Any) -> str:
    """Return the page without what differs from one showing to the next."""
    html: str = response.content.decode()
    return re.sub(r'(csrfmiddlewaretoken" value)="\w+"', r"\1", html)


def title_of(response: Any) -> str:
    found = re.search(r"<title>(.*?)</title>", response.content.decode())
    assert found
    return found[1]


def link_in(message: mail.EmailMessage) -> str:
    """Return the path of the first link in a mail."""
    found = re.search(r"^http://localhost:8000(/\S+)$", str(message.body), re.MULTILINE)
    assert found, message.body
    return found[1]
