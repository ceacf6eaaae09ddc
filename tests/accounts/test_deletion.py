"""An account that is deleted is gone: no row of any table leads to it, and no session opens it."""

from datetime import UTC, date, datetime

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.db import models
from django.urls import reverse

from accounts import deleting, events
from accounts.events import Kind
from accounts.models import AccountEvent, Session, User
from flashcards import clearing, interviews, notes, replaying
from flashcards.interviews import Wanted
from flashcards.models import Reminder
from tests import making
from tests.accounts.people import (
    ADA,
    EVE,
    PASSWORD,
    account,
    app_of,
    browser,
    log_in,
    proven,
    send,
    text_of,
    title_of,
    visitor,
)

pytestmark = pytest.mark.django_db

PAGE = "/settings/delete/"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Path = tuple[type[models.Model], str]


def paths_to_a_learner() -> set[Path]:
    """Return every foreign key, of any model, that leads to a learner in any number of steps."""
    paths: set[Path] = set()
    known: dict[type[models.Model], set[str]] = {User: {"pk"}}
    waiting: list[type[models.Model]] = [User]
    while waiting:
        target = waiting.pop()
        for model in apps.get_models(include_auto_created=True):
            for field in model._meta.concrete_fields:
                if field.is_relation and field.related_model is target:
                    found = {field.name if way == "pk" else f"{field.name}__{way}" for way in known[target]}
                    paths |= {(model, way) for way in found}
                    if model not in known:
                        waiting.append(model)
                    known.setdefault(model, set()).update(found)
    return paths


def rows_of(learner_id: int) -> dict[str, int]:
    """Return how many rows lead to the learner, by the way that they do."""
    counted = {
        f"{model._meta.label}.{way}": model._default_manager.filter(**{way: learner_id}).count()
        for model, way in paths_to_a_learner()
    }
    about = {"content_type": ContentType.objects.get_for_model(User), "object_id": str(learner_id)}
    counted["admin.LogEntry about"] = LogEntry.objects.filter(**about).count()
    named = [session for session in Session.objects.all() if str(learner_id) in str(session.get_decoded())]
    counted["sessions.Session"] = len(named)
    counted["accounts.User"] = User.objects.filter(pk=learner_id).count()
    return counted


def fill(user: User) -> None:
    """Give the account a row in each table that can have one."""
    app_of(user)
    user.groups.add(Group.objects.create(name="editors"))
    user.user_permissions.add(Permission.objects.all()[0])
    card = making.card()
    making.answered(user, card, 4, 2)
    notes.save(user, card.pk, "mine", "")
    interviews.add(user, Wanted("Acme", date(2027, 1, 5), "", {card.topic_id: 2}), NOW)
    Reminder.objects.create(
        learner=user,
        kind="daily",
        intended_on=NOW.date(),
        message_id="<1@engram.example>",
        expires_at=NOW,
        next_try_at=NOW,
    )
    about = ContentType.objects.get_for_model(User)
    for whose in (user, account(EVE)):
        LogEntry.objects.create(
            user=whose, content_type=about, object_id=str(user.pk), object_repr=str(user), action_flag=CHANGE
        )
    EmailAddress.objects.create(user=user, email="new@example.org")
    events.record(Kind.UNLOCKED, [user], NOW, by=user)


def test_no_row_of_any_table_is_left():
    user = account(confirmed=True)
    log_in(browser())
    fill(user)
    before = rows_of(user.pk)
    # A table that is new and holds something of a learner's has to be filled above.
    confirmation_by_link_alone = {way for way in before if way.startswith("account.EmailConfirmation")}
    assert {way for way, rows in before.items() if not rows} == confirmation_by_link_alone
    assert deleting.delete(user, NOW)
    assert not any(rows_of(user.pk).values())
    assert User.objects.get().email == EVE


def test_what_is_left_says_when_and_not_who():
    user = account()
    deleting.delete(user, NOW)
    event = AccountEvent.objects.get()
    assert (event.kind, event.at, event.learner) == ("deleted", NOW, None)
    assert (event.session, event.network, event.device, event.by) == ("", "", "", None)


def test_deleting_twice_does_it_once():
    user = account()
    again = User.objects.get(pk=user.pk)
    assert deleting.delete(user, NOW)
    assert not deleting.delete(again, NOW)
    assert AccountEvent.objects.count() == 1


def test_a_learner_deletes_the_account_with_password_and_word():
    account(confirmed=True)
    here, phone = browser(), browser()
    log_in(here)
    log_in(phone)
    answer = send(here, PAGE, password=PASSWORD, confirm="Delete")
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert "Your account is deleted" in text_of(here.get("/"))
    assert here.get("/today/").status_code == phone.get("/today/").status_code == 302
    assert not User.objects.exists()
    assert not Session.objects.filter(session_key=phone.session.session_key).exists()
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == ([ADA], "Your Engram account is deleted")
    assert "isn’t right" in text_of(log_in(browser()))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"password": "wrong", "confirm": "delete"}, "This isn’t your password."),
        ({"password": PASSWORD, "confirm": "yes"}, "Type the word “delete”"),
        ({"password": PASSWORD}, "Confirmation is missing."),
        ({"confirm": "delete"}, "Password is missing."),
        ({}, "Password is missing."),
    ],
)
def test_without_the_right_password_and_the_word_nothing_goes(typed, says):
    user = account()
    answer = send(browser(user), PAGE, **typed)
    assert answer.status_code == 422
    assert says in text_of(answer)
    assert title_of(answer).startswith("Error: ")
    assert User.objects.get() == user
    assert not mail.outbox


def test_of_very_many_answers_everything_that_names_the_learner_goes_at_once_and_the_rest_soon(monkeypatch):
    monkeypatch.setattr(deleting, "MOST", 2)
    user = account(confirmed=True)
    log_in(browser())
    fill(user)  # a card with two answers
    assert deleting.delete(user, NOW) is deleting.Outcome.CLEARING
    left = {way for way, rows in rows_of(user.pk).items() if rows}
    names = ("User", "ReviewState.learner", "ReviewLog.learner", "ReviewLog.state__learner")
    assert {way.partition(".")[2] for way in left} == {*names}
    nobody = User.objects.get(pk=user.pk)
    fresh = User(pk=user.pk, is_guest=True, is_active=False, gone_at=NOW, joined_at=NOW, session_epoch=1)
    assert {**vars(nobody), "_state": 0, "password": ""} == {**vars(fresh), "_state": 0, "password": ""}
    assert not nobody.has_usable_password()
    assert not deleting.delete(user, NOW)
    assert not clearing.clear_gone(clearing.ROWS * 2)
    assert not any(rows_of(user.pk).values())
    assert AccountEvent.objects.filter(kind="deleted").count() == 1


def test_what_waits_to_be_cleared_opens_nothing_and_stands_in_nobodys_way(monkeypatch):
    monkeypatch.setattr(deleting, "MOST", 0)
    chief = User.objects.create_superuser("chief@example.org", PASSWORD)
    user = account(confirmed=True)
    making.answered(user, making.card(), 4, 2)
    here, phone = browser(), browser()
    log_in(here)
    log_in(phone)
    send(here, PAGE, password=PASSWORD, confirm="delete")
    assert "clearing it takes a few minutes more" in text_of(here.get("/"))
    assert here.get("/today/").status_code == phone.get("/today/").status_code == 302
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == ([ADA], "Your Engram account is deleted")
    assert "isn’t right" in text_of(log_in(browser()))
    assert replaying.check().states == 0
    assert clearing.clear_guests(datetime(2099, 1, 1, tzinfo=UTC)) == 0
    staff = proven(browser(chief), chief)
    assert f"visitor {user.pk}" not in text_of(staff.get(reverse("admin:accounts_user_changelist")))
    again = account(confirmed=True)
    assert again.pk != user.pk
    log_in(back := browser())
    assert back.get("/today/").status_code == 200
    clearing.clear_gone(clearing.ROWS * 2)
    assert set(User.objects.values_list("pk", flat=True)) == {chief.pk, again.pk}


def test_a_get_deletes_nothing_and_a_form_without_its_token_neither():
    user = account()
    client = browser(user)
    assert client.get(PAGE).status_code == client.head(PAGE).status_code == 200
    assert client.post(PAGE, {"password": PASSWORD, "confirm": "delete"}).status_code == 403
    assert User.objects.get() == user


def test_guessing_the_password_here_is_no_quicker_than_at_log_in():
    client = browser(account())
    for _ in range(5):
        send(client, PAGE, password="wrong", confirm="delete")
    assert "Too many failed attempts" in text_of(send(client, PAGE, password=PASSWORD, confirm="delete"))
    assert User.objects.exists()


def test_the_page_offers_the_export_first():
    html = text_of(browser(account()).get(PAGE))
    assert html.index('href="/settings/export/"') < html.index('name="confirm"')


def test_a_visitor_can_delete_too_and_gets_no_mail():
    client = visitor()
    page = text_of(client.get(PAGE))
    assert 'name="password"' not in page
    send(client, PAGE, confirm="delete")
    assert "What you did here as a visitor is deleted." in text_of(client.get("/"))
    assert not User.objects.exists()
    assert not Session.objects.exists()
    assert not mail.outbox


def test_an_account_without_a_password_shows_a_second_factor_first():
    user = account()
    app_of(user)
    user.set_unusable_password()
    user.save()
    assert browser(user).get(PAGE)["Location"].startswith("/accounts/2fa/reauthenticate/")


def test_staff_delete_just_as_thoroughly_and_leave_no_address():
    chief = User.objects.create_superuser("chief@example.org", PASSWORD)
    user = account()
    log_in(browser())
    client = proven(browser(chief), chief)
    gone = reverse("admin:accounts_user_delete", args=[user.pk])
    assert send(client, gone, post="yes").status_code == 302
    many = reverse("admin:accounts_user_changelist")
    other = account(EVE)
    chosen = {"action": "delete_selected", "_selected_action": str(other.pk), "post": "yes"}
    assert send(client, many, **chosen).status_code == 302
    assert User.objects.get() == chief
    assert not UserSession.objects.exists()
    assert not LogEntry.objects.exists()
    assert list(AccountEvent.objects.filter(kind="deleted").values_list("by", flat=True)) == [chief.pk] * 2
    assert Authenticator.objects.filter(user=chief).exists()
