"""What happened to an account: written once, without secrets, for its learner and for staff."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts import events
from accounts.events import Kind
from accounts.models import AccountEvent, User
from tests.accounts.people import (
    ADA,
    EVE,
    PASSWORD,
    account,
    app_of,
    browser,
    code_of,
    link_in,
    log_in,
    proven,
    send,
    sign_up,
    text_of,
    visitor,
)
from tests.visiting import statements, words_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECURITY = "/settings/security/"


def kinds(learner=None):
    return list(AccountEvent.objects.filter(learner=learner).order_by("pk").values_list("kind", flat=True))


def test_the_life_of_an_account_is_noted():
    client = browser()
    sign_up(client)
    user = User.objects.get()
    send(client, link_in(mail.outbox[0]))
    send(client, "/accounts/password/change/", oldpassword=PASSWORD, password1="a quite new password")
    send(client, "/settings/", to="/accounts/logout/")
    log_in(browser(), password="wrong")
    assert kinds(user) == [
        "signed_up",
        "logged_in",
        "address_confirmed",
        "password_changed",
        "logged_out",
        "login_failed",
    ]


def test_a_reset_password_is_noted_and_leaves_no_session():
    user = account(confirmed=True)
    open_session = browser(user)
    client = browser()
    send(client, "/accounts/password/reset/", email=ADA)
    choose = client.get(link_in(mail.outbox[-1]))["Location"]
    send(client, choose, password1="a quite new password")
    assert kinds(user) == ["password_reset"]
    assert open_session.get("/today/").status_code == 302


def test_a_changed_address_is_noted():
    user = account(confirmed=True)
    client = browser(user)
    asked = send(client, "/accounts/email/", email=EVE, action_add="")
    send(client, asked["Location"], password=PASSWORD)
    send(client, link_in(mail.outbox[-1]))
    assert kinds(user) == ["address_confirmed", "address_changed"] or kinds(user) == [
        "address_changed",
        "address_confirmed",
    ]


def test_a_wrong_password_when_asked_again_is_noted_as_that():
    user = account(confirmed=True)
    client = browser(user)
    send(client, "/accounts/reauthenticate/", password="wrong")
    assert kinds(user) == ["password_refused"]


def test_the_password_of_another_account_with_the_same_address_is_not_this_ones():
    account(password="the first password")
    second = account(password="the second password")
    client = browser(second)
    assert "isn’t your password" in text_of(
        send(client, "/accounts/reauthenticate/", password="the first password")
    )
    assert send(client, "/accounts/reauthenticate/", password="the second password").status_code == 302


def test_staff_are_noted_as_staff():
    user = account(is_staff=True)
    secret = app_of(user)
    client = browser()
    log_in(client)
    send(client, "/accounts/2fa/authenticate/", code=code_of(secret))
    assert kinds(user) == ["app_used", "staff_logged_in"]


def test_a_failed_log_in_takes_as_many_statements_for_an_address_that_nobody_has(django_assert_num_queries):
    user = account()
    client = browser()
    token = send(client, "/accounts/login/")
    assert token.status_code == 200
    counts = []
    for email in (ADA, "nobody@example.org"):
        before = AccountEvent.objects.count()
        log_in(browser(), email=email, password="wrong")
        counts.append(AccountEvent.objects.count() - before)
    assert counts == [1, 1]
    assert (kinds(user), kinds()) == (["login_failed"], ["login_failed"])


def test_signing_up_is_no_failed_log_in_but_guessing_there_is_one():
    owner = account(confirmed=True)
    sign_up(browser(), email=EVE)
    assert "login_failed" not in kinds()
    sign_up(browser(), password="a guess at the password")
    assert kinds(owner) == ["login_failed"]


def test_visitors_leave_no_trace():
    client = visitor()
    send(client, "/accounts/logout/")
    assert not AccountEvent.objects.exists()


@pytest.mark.parametrize(
    ("client", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:7:8::9", "2001:db8:7::"),
        ("::ffff:203.0.113.77", "::"),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_of_a_clients_address_the_beginning_is_kept(client, kept):
    assert events.without_end(client) == kept


def test_a_sessions_short_name_opens_nothing():
    client = browser(account())
    key = str(client.session.session_key)
    assert len(events.short(key)) == 8
    assert events.short(key) not in key


def test_the_learner_sees_what_happened_and_nobody_elses():
    user, eve = account(time_zone="Asia/Tokyo"), account(EVE)
    events.record(Kind.PASSWORD_CHANGED, [user], NOW, events.Source("", "203.0.113.0", "Firefox on Linux"))
    events.record(Kind.LOGGED_OUT, [eve], NOW)
    words = words_of(text_of(browser(user).get(SECURITY)))
    assert "Password changed 24 Nov, 21:00 Firefox on Linux 203.0.113.0" in words
    assert "All data downloaded" not in words


def test_the_page_takes_as_many_statements_for_fifty_events_as_for_none():
    user = account()
    few = statements(browser(user), SECURITY)
    events.record(Kind.LOGGED_IN, [user] * 60, NOW)
    client = browser(user)
    assert statements(client, SECURITY) == few
    assert text_of(client.get(SECURITY)).count("24 Nov, 12:00") == 50


def test_what_is_older_than_asked_is_cleared():
    user = account()
    for days in (100, 91, 89):
        events.record(Kind.LOGGED_IN, [user], NOW - timedelta(days=days))
    assert events.clear(NOW - timedelta(days=90)) == 2
    assert AccountEvent.objects.get().at == NOW - timedelta(days=89)


def test_the_export_holds_them_without_other_peoples_ids():
    user = account()
    events.record(Kind.UNLOCKED, [user], NOW, by=account(EVE, is_staff=True))
    assert events.exported(user) == [
        {"kind": "unlocked", "at": NOW, "session": "", "network": "", "device": ""}
    ]


def test_the_database_refuses_an_event_of_nobody_that_has_to_be_somebodys():
    with pytest.raises(IntegrityError), transaction.atomic():
        events.record(Kind.LOGGED_IN, [None], NOW)


def test_staff_can_look_at_events_and_not_change_them():
    chief = User.objects.create_superuser("chief@example.org", PASSWORD)
    events.record(Kind.LOGGED_IN, [account()], NOW)
    event = AccountEvent.objects.get()
    client = proven(browser(chief), chief)
    listed = reverse("admin:accounts_accountevent_changelist")
    assert "Logged in" in text_of(client.get(listed, {"q": ADA}))
    change = reverse("admin:accounts_accountevent_change", args=[event.pk])
    assert client.get(change).status_code == 200
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    assert client.post(change, token | {"kind": "deleted"}).status_code == 403
    for what in ("delete",):
        gone = reverse(f"admin:accounts_accountevent_{what}", args=[event.pk])
        assert client.post(gone, token | {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:accounts_accountevent_add")).status_code == 403
    few = statements(client, listed)
    events.record(Kind.LOGGED_IN, [account(EVE)] * 30, NOW)
    assert statements(client, listed) == few
