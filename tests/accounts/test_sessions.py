"""Where a learner is logged in, and how that ends."""

from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import devices, events
from accounts.models import Session, User
from tests.accounts.people import EVE, PASSWORD, account, browser, log_in, send, text_of, title_of, who_is_at
from tests.visiting import words_of

pytestmark = pytest.mark.django_db

SECURITY = "/settings/security/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


def at(device, address="203.0.113.9", email="ada@example.org", password=PASSWORD):
    client = browser()
    client.defaults |= {"HTTP_USER_AGENT": device, "REMOTE_ADDR": address}
    log_in(client, email=email, password=password)
    return client


def test_each_device_is_listed_in_words_with_the_times_in_the_learners_zone():
    account(time_zone="Asia/Tokyo")
    with time_machine.travel("2026-11-24T20:30:00+00:00", tick=False):
        phone = at(IPHONE)
        words = words_of(text_of(phone.get(SECURITY)))
    assert "Safari on iPhone (this one) 203.0.113.0 25 Nov, 05:30 25 Nov, 05:30" in words


def test_neither_the_whole_address_nor_all_that_the_browser_says_is_kept():
    account()
    at(FIREFOX)
    note = UserSession.objects.get()
    assert (note.ip, note.user_agent) == ("203.0.113.0", "Firefox on Linux")


def test_use_is_noted_once_an_hour():
    account()
    begun = timezone.now()
    client = at(FIREFOX)
    for minutes in (30, 70, 80):
        with time_machine.travel(begun + timedelta(minutes=minutes), tick=False):
            client.get("/today/")
    assert UserSession.objects.get().last_seen_at == begun.replace(microsecond=begun.microsecond) + timedelta(
        minutes=70
    )


def test_signing_out_everywhere_else_ends_all_but_this_one_noted_or_not():
    user = account()
    here, noted, unnoted = at(FIREFOX), at(IPHONE), browser(user)
    assert send(here, SECURITY, to="/settings/sessions/end-others/")["Location"] == SECURITY
    assert "Every other device is signed out." in text_of(here.get(SECURITY))
    assert here.get("/today/").status_code == 200
    assert noted.get("/today/").status_code == unnoted.get("/today/").status_code == 302
    assert UserSession.objects.count() == 1


def test_allauths_own_page_signs_out_just_as_well():
    user = account()
    here, unnoted = at(FIREFOX), browser(user)
    assert title_of(here.get("/accounts/sessions/")).startswith("Where you’re logged in")
    send(here, "/accounts/sessions/")
    assert here.get("/today/").status_code == 200
    assert unnoted.get("/today/").status_code == 302


def test_one_device_is_signed_out_and_nobody_elses():
    account()
    eve = account(EVE)
    here, phone, stranger = at(FIREFOX), at(IPHONE), at(IPHONE, email=EVE)
    ids = dict(UserSession.objects.values_list("session_key", "pk"))
    theirs = ids[stranger.session.session_key]
    assert send(here, SECURITY, to=f"/settings/sessions/{theirs}/end/").status_code == 404
    assert who_is_at(stranger) == eve
    mine = ids[phone.session.session_key]
    assert send(here, SECURITY, to=f"/settings/sessions/{mine}/end/").status_code == 303
    assert phone.get("/today/").status_code == 302
    assert here.get("/today/").status_code == 200


def test_a_new_password_signs_out_every_other_device():
    user = account()
    here, phone, unnoted = at(FIREFOX), at(IPHONE), browser(user)
    send(here, "/accounts/password/change/", oldpassword=PASSWORD, password1="a quite new password")
    assert here.get("/today/").status_code == 200
    assert phone.get("/today/").status_code == unnoted.get("/today/").status_code == 302
    assert words_of(text_of(here.get(SECURITY))).count("Firefox on Linux (this one)") == 1


def test_logging_out_leaves_no_note_of_the_session():
    account()
    client = at(FIREFOX)
    send(client, "/settings/", to="/accounts/logout/")
    assert not UserSession.objects.exists()
    assert not Session.objects.filter(session_key=client.session.session_key).exists()


def test_sessions_from_before_they_could_be_ended_go_on():
    user = account()
    client = browser(user)
    assert user.session_epoch == 0
    assert client.get("/today/").status_code == 200
    assert client.get(SECURITY).status_code == 200


def test_the_notes_of_sessions_that_expired_are_cleared():
    account()
    at(FIREFOX)
    assert events.clear(timezone.now() - timedelta(days=90)) == 0
    later = timezone.now() + timedelta(days=1)
    assert events.clear(later) == 2  # the note and the log-in
    assert not UserSession.objects.exists()


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Chrome/126.0 Safari/537.36", "Chrome on macOS"),
        ("python-requests/2.32", "A script"),
        ("curl/8.8", "Curl"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
    ],
)
def test_a_browser_is_named_in_two_words(user_agent, words):
    assert devices.named(user_agent) == words


def test_a_request_reads_its_session_and_its_learner_in_one_statement():
    client = browser(account())
    with CaptureQueriesContext(connection) as captured:
        client.get("/settings/")
    read = [query["sql"] for query in captured if 'FROM "accounts_session"' in query["sql"]]
    assert len(read) == 1
    assert not any('FROM "accounts_user"' in query["sql"].split("JOIN")[0] for query in captured)


def test_a_session_is_whose_its_signed_text_says_and_not_whose_the_column_does():
    ada, eve = account(), account(EVE)
    client = browser(ada)
    Session.objects.update(learner=eve)
    assert who_is_at(client) == ada


def test_a_session_of_a_deactivated_learner_opens_nothing():
    ada = account()
    client = browser(ada)
    User.objects.update(is_active=False)
    assert client.get("/today/").status_code == 302


def test_with_an_account_its_sessions_go_and_no_others():
    ada, eve = account(), account(EVE)
    for who in (ada, ada, eve):
        browser(who)
    ada.delete()
    assert [session.learner for session in Session.objects.all()] == [eve]
