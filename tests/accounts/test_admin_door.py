"""The admin is for staff with a second factor; from there learners are helped, and nobody rises."""

import importlib

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.urls import clear_url_caches, reverse

from accounts import second_factor
from accounts.models import AccountEvent, User
from config import account_settings, urls
from tests.accounts.people import (
    ADA,
    EVE,
    PASSWORD,
    account,
    app_of,
    browser,
    code_of,
    log_in,
    proven,
    send,
    text_of,
    visitor,
    who_is_at,
)
from tests.visiting import statements

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/user/"


def chief():
    return User.objects.create_superuser("chief@example.org", PASSWORD)


def helper(*permissions):
    """Return one of the staff who isn't a superuser."""
    user = account("helper@example.org", is_staff=True, confirmed=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def act(client, action, *learners):
    return send(
        client, LIST, action=action, _selected_action=[str(learner.pk) for learner in learners], post="yes"
    )


@pytest.mark.parametrize("path", ["/admin/", LIST, "/admin/accounts/accountevent/", "/admin/jsi18n/"])
def test_without_a_second_factor_staff_see_nothing_of_the_admin(path):
    client = browser(chief())
    response = client.get(path)
    assert response["Location"].startswith("/admin/login/?next=")
    assert client.get(response["Location"])["Location"] == "/accounts/2fa/"
    assert "The admin asks for a second factor." in text_of(client.get("/accounts/2fa/"))


def test_with_one_that_this_session_has_not_shown_staff_are_asked_for_it_and_get_where_they_wanted():
    user = chief()
    secret = app_of(user)
    client = browser(user)
    asks = client.get(client.get(LIST)["Location"])["Location"]
    assert asks == f"/accounts/2fa/reauthenticate/?next={LIST}"
    assert send(client, asks, code=code_of(secret), next=LIST)["Location"] == LIST
    assert client.get(LIST).status_code == 200


def test_a_second_factor_shown_at_log_in_is_enough():
    user = chief()
    secret = app_of(user)
    client = browser()
    log_in(client, email=user.email, next="/admin/")
    assert send(client, "/accounts/2fa/authenticate/", code=code_of(secret))["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/login/?next=/admin/accounts/user/")["Location"] == LIST


def test_a_second_factor_that_is_no_more_opens_nothing():
    user = chief()
    client = proven(browser(user), user)
    assert client.get("/admin/").status_code == 200
    second_factor.remove_all(user)
    assert client.get("/admin/").status_code == 302


def test_a_factor_of_somebody_else_in_the_session_proves_nothing():
    user, eve = chief(), account(EVE)
    client = proven(browser(user), eve)
    assert client.get("/admin/").status_code == 302


def test_learners_and_visitors_find_no_way_in():
    user = account(confirmed=True)
    client = proven(browser(user), user)
    assert client.get(client.get("/admin/")["Location"]).status_code == 403
    guest = visitor()
    assert guest.get(guest.get("/admin/")["Location"])["Location"].startswith("/accounts/login/")


def test_the_admin_leads_elsewhere_for_a_new_password():
    user = chief()
    client = proven(browser(user), user)
    assert client.get("/admin/password_change/")["Location"] == "/accounts/password/change/"


def test_no_page_of_the_admin_shows_a_second_factors_secret():
    for model in ("mfa/authenticator", "usersessions/usersession"):
        user = User.objects.filter(is_superuser=True).first() or chief()
        client = proven(browser(user), user)
        assert client.get(f"/admin/{model}/").status_code == 404


def test_the_admin_is_where_admin_path_says(settings):
    before = django_settings.ADMIN_PATH
    settings.ADMIN_PATH = "back-office/"
    try:
        importlib.reload(urls)
        clear_url_caches()
        assert reverse("admin:index") == "/back-office/"
        assert browser().get("/admin/").status_code == 404
        assert browser().get("/back-office/").status_code == 302
    finally:
        settings.ADMIN_PATH = before
        importlib.reload(urls)
        clear_url_caches()


@pytest.mark.parametrize(
    ("text", "path"), [("admin/", "admin/"), ("/a/b", "a/b/"), (" Back-Office_7 ", "Back-Office_7/")]
)
def test_a_path_for_the_admin_may_be_written_with_slashes_or_without(text, path):
    assert account_settings.admin_path(text) == path


@pytest.mark.parametrize("text", ["", "/", "a b", "a//b", "<x>", "https://x", "../up", "ä"])
def test_what_is_no_path_stops_the_start(text):
    with pytest.raises(ImproperlyConfigured, match="ADMIN_PATH"):
        account_settings.admin_path(text)


def test_staff_send_the_confirmation_mail_again():
    waiting, confirmed = account(), account(EVE, confirmed=True)
    user = chief()
    client = proven(browser(user), user)
    act(client, "send_confirmation", waiting, confirmed)
    assert [message.to for message in mail.outbox] == [[ADA]]
    event = AccountEvent.objects.get(kind="confirmation_sent")
    assert (event.learner, event.by) == (waiting, user)


def test_staff_unlock_a_log_in():
    learner, user = account(), chief()
    for _ in range(6):
        log_in(browser(), password="wrong")
    assert "Too many" in text_of(log_in(browser()))
    act(proven(browser(user), user), "unlock", learner)
    assert log_in(browser())["Location"] == "/today/"
    assert AccountEvent.objects.get(kind="unlocked").by == user


def test_staff_take_a_second_factor_away_and_the_learner_is_told():
    learner, user = account(confirmed=True), chief()
    app_of(learner)
    open_session = browser(learner)
    act(proven(browser(user), user), "reset_second_factor", learner)
    assert not second_factor.has_one(learner)
    assert open_session.get("/today/").status_code == 302
    assert mail.outbox[-1].subject == "The second factor of your Engram account was removed"
    assert AccountEvent.objects.get(kind="factors_reset").by == user
    assert log_in(browser())["Location"] == "/today/"


def test_staff_sign_a_learner_out_everywhere():
    learner, user = account(), chief()
    client = browser(learner)
    act(proven(browser(user), user), "sign_out", learner)
    assert client.get("/today/").status_code == 302


def test_staff_without_all_powers_give_nobody_any():
    user = helper("view_user", "change_user", "delete_user")
    client = proven(browser(user), user)
    learner = account(EVE)
    page = f"{LIST}{learner.pk}/change/"
    assert 'name="is_superuser"' not in text_of(client.get(page))
    form = {"is_active": "on", "is_superuser": "on", "is_staff": "on", "time_zone": "UTC", "day_start": "4"}
    send(client, page, **form, new_cards_per_day="5", reviews_per_day="200", theme="dark", remind_at="16")
    learner.refresh_from_db()
    assert not learner.is_superuser
    assert not learner.is_staff


def test_staff_without_all_powers_touch_no_other_staff():
    user, boss = helper("view_user", "change_user", "delete_user"), chief()
    app_of(boss)
    client = proven(browser(user), user)
    act(client, "reset_second_factor", boss)
    act(client, "delete_selected", boss)
    send(client, LIST, to=f"{LIST}{boss.pk}/delete/", post="yes")
    assert second_factor.has_one(boss)
    assert User.objects.filter(pk=boss.pk).exists()


def test_staff_who_may_only_look_have_no_actions():
    user, learner = helper("view_user"), account(EVE)
    app_of(learner)
    client = proven(browser(user), user)
    assert client.get(LIST).status_code == 200
    act(client, "reset_second_factor", learner)
    assert second_factor.has_one(learner)


def test_the_list_of_learners_takes_as_many_statements_for_thirty_as_for_three():
    user = chief()
    client = proven(browser(user), user)
    for number in range(3):
        account(f"learner{number}@example.org")
    few = statements(client, LIST)
    for number in range(3, 30):
        app_of(account(f"learner{number}@example.org", confirmed=True))
    assert statements(client, LIST) == few
    assert who_is_at(client) == user
