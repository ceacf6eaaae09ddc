"""Something you have besides the password: app and recovery codes, in a browser without JavaScript."""

import re
from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import CommandError, call_command

from accounts import second_factor
from accounts.models import AccountEvent
from config import account_settings
from tests.accounts.people import (
    ADA,
    PASSWORD,
    account,
    app_of,
    browser,
    code_of,
    log_in,
    send,
    text_of,
    token_of,
    visitor,
    who_is_at,
)

pytestmark = pytest.mark.django_db

SET_UP = "/accounts/2fa/totp/activate/"
ASKED = "/accounts/2fa/authenticate/"
CODES = "/accounts/2fa/recovery-codes/"
AGAIN = "/accounts/reauthenticate/"


# allauth tells of new factors once they are committed, which a test's own transaction never is.
committed = pytest.mark.django_db(transaction=True)


def asked_again(client, page, **typed):
    """Open a page that asks for the password first, and give it."""
    asks = client.get(page)
    assert asks["Location"].startswith(AGAIN)
    return send(client, asks["Location"], password=PASSWORD, next=page, **typed)


def secret_on(page):
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", text_of(page))
    assert found
    return found[1].replace(" ", "")


def codes_of(user):
    codes = Authenticator.objects.get(user=user, type="recovery_codes")
    return codes.wrap().get_unused_codes()


def kinds_of(user):
    return list(AccountEvent.objects.filter(learner=user).order_by("pk").values_list("kind", flat=True))


@committed
def test_an_app_is_set_up_with_its_first_code_and_recovery_codes_are_shown():
    user = account(confirmed=True)
    client = browser(user)
    asked_again(client, SET_UP)
    form = client.get(SET_UP)
    token = token_of(client, SET_UP)
    secret = secret_on(client.get(SET_UP))
    answer = client.post(SET_UP, token | {"code": code_of(secret)})
    assert (form.status_code, answer["Location"]) == (200, CODES)
    shown = text_of(client.get(CODES))
    assert "10 of 10 are left" in shown
    assert all(f"{code[:4]} {code[4:]}" in shown for code in codes_of(user))
    assert mail.outbox[-1].subject == "An authenticator app was added to your Engram account"
    assert {"app_added", "codes_made"} <= set(kinds_of(user))


def test_a_wrong_first_code_sets_nothing_up():
    user = account(confirmed=True)
    client = browser(user)
    asked_again(client, SET_UP)
    assert "That isn’t right. Try again." in text_of(send(client, SET_UP, code="000000"))
    assert not second_factor.has_one(user)


def test_without_a_confirmed_address_there_is_no_second_factor():
    user = account()
    client = browser(user)
    asked_again(client, SET_UP)
    token = token_of(client, SET_UP)
    secret = secret_on(client.get(SET_UP))
    page = client.post(SET_UP, token | {"code": code_of(secret)})
    assert "Confirm your address first" in text_of(page)
    assert not second_factor.has_one(user)


def test_the_password_alone_opens_nothing_any_more():
    user = account()
    secret = app_of(user)
    client = browser()
    assert log_in(client, next="/browse/?q=lstm")["Location"] == ASKED
    assert who_is_at(client) is None
    assert client.get("/today/").status_code == 302
    answer = send(client, ASKED, code=code_of(secret))
    assert answer["Location"] == "/browse/?q=lstm"
    assert who_is_at(client) == user
    assert kinds_of(user) == ["app_used", "logged_in"]


def test_a_wrong_code_opens_nothing_and_is_noted():
    user = account()
    app_of(user)
    client = browser()
    log_in(client)
    assert "That isn’t right" in text_of(send(client, ASKED, code="123"))
    assert who_is_at(client) is None
    assert kinds_of(user) == ["factor_failed"]


@pytest.mark.parametrize("later", [-1, 0, 1])
def test_a_phone_whose_clock_is_half_a_minute_off_gets_in(later):
    secret = app_of(account())
    client = browser()
    log_in(client)
    assert send(client, ASKED, code=code_of(secret, later))["Location"] == "/today/"


def test_a_code_counts_once_whatever_the_cache_remembers(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    user = account()
    code = code_of(app_of(user))
    app = Authenticator.objects.get(user=user, type="totp")
    assert second_factor.spend(app, code)
    assert not second_factor.spend(app, code)
    assert not second_factor.spend(app, "000000")


def test_a_code_from_before_the_last_used_one_is_refused():
    user = account()
    secret = app_of(user)
    app = Authenticator.objects.get(user=user, type="totp")
    assert second_factor.spend(app, code_of(secret, 1))
    assert not second_factor.spend(app, code_of(secret, 0))


def test_a_recovery_code_opens_the_account_once():
    user = account()
    app_of(user)
    code = codes_of(user)[0]
    first, second = browser(), browser()
    log_in(first)
    assert send(first, ASKED, code=f"{code[:4]} {code[4:]}")["Location"] == "/today/"
    assert kinds_of(user) == ["code_used", "logged_in"]
    log_in(second)
    assert "That isn’t right" in text_of(send(second, ASKED, code=code))


def test_five_wrong_codes_close_the_door_to_the_right_one_too():
    secret = app_of(account())
    client = browser()
    log_in(client)
    for _ in range(5):
        send(client, ASKED, code="1")
    assert "Too many failed attempts" in text_of(send(client, ASKED, code=code_of(secret)))
    assert who_is_at(client) is None


def test_a_guest_stays_one_until_the_second_factor_is_shown():
    user = account()
    secret = app_of(user)
    client = visitor()
    guest = who_is_at(client)
    log_in(client)
    page = client.get(ASKED)
    assert page.status_code == 200
    assert "/accounts/logout/" not in text_of(page)
    assert who_is_at(client) == guest
    assert send(client, ASKED, code=code_of(secret))["Location"] == "/today/"
    assert who_is_at(client) == user


@pytest.mark.parametrize(
    "page",
    [
        "/accounts/2fa/",
        SET_UP,
        CODES,
        "/accounts/2fa/webauthn/",
        "/accounts/2fa/webauthn/add/",
        "/accounts/sessions/",
        "/settings/security/",
    ],
)
def test_a_guest_is_led_to_sign_up_first(page):
    assert visitor().get(page)["Location"] == "/accounts/signup/"


@pytest.mark.parametrize(
    "page", [SET_UP, CODES, f"{CODES}generate/", f"{CODES}download/", "/accounts/2fa/webauthn/add/"]
)
def test_what_changes_or_shows_a_second_factor_asks_for_the_password_again(page):
    user = account(confirmed=True)
    if page != SET_UP:
        app_of(user)
    assert browser(user).get(page)["Location"].startswith(AGAIN)


def test_a_code_stands_in_for_the_password_when_asked_again():
    user = account(confirmed=True)
    secret = app_of(user)
    client = browser(user)
    again = f"/accounts/2fa/reauthenticate/?next={CODES}"
    assert f'href="{again.replace(CODES, quote(CODES, safe=""))}"' in text_of(
        client.get(f"{AGAIN}?next={CODES}")
    )
    assert send(client, again, code=code_of(secret), next=CODES)["Location"] == CODES
    assert client.get(CODES).status_code == 200


def test_taking_the_app_away_leaves_the_password_and_no_recovery_codes():
    user = account(confirmed=True)
    app_of(user)
    client = browser(user)
    asked_again(client, "/accounts/2fa/totp/deactivate/")
    send(client, "/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(user=user).exists()
    assert mail.outbox[-1].subject == "The authenticator app was removed from your Engram account"
    assert kinds_of(user) == ["app_removed", "codes_removed"]


@committed
def test_new_recovery_codes_end_the_old_ones_and_can_be_downloaded():
    user = account(confirmed=True)
    app_of(user)
    before = codes_of(user)
    client = browser(user)
    asked_again(client, f"{CODES}generate/")
    send(client, f"{CODES}generate/")
    assert not set(before) & set(codes_of(user))
    assert client.get(f"{CODES}download/").content.decode().split() == codes_of(user)
    assert mail.outbox[-1].subject == "New recovery codes for your Engram account"


def test_with_a_second_factor_the_address_can_still_be_changed():
    user = account(confirmed=True)
    app_of(user)
    client = browser(user)
    asked = send(client, "/accounts/email/", email="new@example.org", action_add="")
    send(client, asked["Location"], password=PASSWORD)
    assert mail.outbox[-1].to == ["new@example.org"]


def test_no_secret_lies_readable_in_the_database():
    user = account()
    secret = app_of(user)
    stored = str(list(Authenticator.objects.filter(user=user).values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes_of(user))


def test_a_former_key_still_opens_what_it_sealed(settings):
    secret = app_of(account())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    client = browser()
    log_in(client)
    assert send(client, ASKED, code=code_of(secret))["Location"] == "/today/"


def test_a_lost_key_lets_nobody_in_by_any_code(settings, caplog):
    secret = app_of(account())
    settings.SECRET_KEY = "another"
    client = browser()
    log_in(client)
    for code in (code_of(secret), code_of("A" * 32), code_of("")):
        assert "That isn’t right" in text_of(send(client, ASKED, code=code))
    assert "SECRET_KEY is another" in caplog.text


def test_the_command_takes_the_second_factor_of_one_who_lost_it(capsys):
    user = account()
    app_of(user)
    open_session = browser(user)
    call_command("reset_second_factor", ADA.upper())
    assert capsys.readouterr().out == "Second factor removed from 1 of 1 accounts.\n"
    assert not second_factor.has_one(user)
    assert open_session.get("/today/").status_code == 302
    with pytest.raises(CommandError, match="No account"):
        call_command("reset_second_factor", "nobody@example.org")


@committed
def test_every_mail_about_it_is_plain_text_in_our_words():
    user = account(confirmed=True)
    client = browser(user)
    asked_again(client, SET_UP)
    token = token_of(client, SET_UP)
    client.post(SET_UP, token | {"code": code_of(secret_on(client.get(SET_UP)))})
    send(client, f"{CODES}generate/")
    send(client, "/accounts/2fa/totp/deactivate/")
    assert len(mail.outbox) == 3
    for message in mail.outbox:
        assert str(message.body).endswith("Engram\nhttp://localhost:8000/")
        assert not re.search(r"&\w+;|<|\{|Two-Factor|\n\n\n", str(message.body))


@pytest.mark.parametrize(
    ("base_url", "work"),
    [
        ("https://engram.example", True),
        ("http://localhost:8000", True),
        ("http://engram.example", False),
        ("https://192.0.2.7", False),
        ("https://[2001:db8::1]", False),
        ("http://192.168.1.5:8000", False),
    ],
)
def test_passkeys_are_offered_only_where_browsers_allow_them(base_url, work):
    settings = account_settings.of(base_url, None)
    assert ("webauthn" in settings["MFA_SUPPORTED_TYPES"]) == work
    assert settings["MFA_PASSKEY_LOGIN_ENABLED"] == work


def test_passkeys_are_for_the_configured_address_whatever_the_host_header(settings):
    settings.ALLOWED_HOSTS, settings.BASE_URL = ["*"], "https://engram.example"
    client = browser()
    headers = {"Accept": "application/json", "Host": "evil.example"}
    options = client.get("/accounts/2fa/webauthn/login/", headers=headers).json()["request_options"]
    assert options["publicKey"]["rpId"] == "engram.example"
