"""Which mails a learner wants: the form, what the page says, and that no change sends a mail at once."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from hypothesis import given
from hypothesis import strategies as st

from accounts import reminder_settings, time_zones
from accounts.models import EVERY_DAY, User
from accounts.reminder_settings import ReminderSettingsForm
from flashcards.models import Reminder
from flashcards.reminders import listing, urgency
from flashcards.scheduling import hours
from tests.accounts.people import (
    ADA,
    account,
    browser,
    link_in,
    send,
    sign_up,
    text_of,
    title_of,
    token_of,
    visitor,
    who_is_at,
)
from tests.making import at, day
from tests.visiting import words_of

pytestmark = pytest.mark.django_db

MORNING, EIGHT, TEN = at(1, 7), at(1, 8), at(1, 10)  # of a Monday
TYPED: dict[str, Any] = {
    "reminders": "on",
    "remind_at": "16",
    "remind_days": [str(n) for n in range(7)],
    "remind_from_cards": "1",
}
STUDY = {
    "time_zone": "UTC",
    "day_start": "4",
    "new_cards_per_day": "5",
    "reviews_per_day": "200",
    "theme": "system",
    "single_keys": "on",
}
MAILS = [*reminder_settings.FIELDS, "snoozed_to", "mail_from_on", "mails_unanswered", "refused_email"]


@pytest.fixture(autouse=True)
def clock(time_machine):
    """Stop the clock at ten on a Monday: 08:00 has passed."""
    time_machine.move_to(TEN, tick=False)
    return time_machine


def save(client, **typed):
    return send(client, "/settings/", to="/settings/reminders/", **(TYPED | typed))


def stored(user):
    return User.objects.values(*MAILS).get(pk=user.pk)


def panel(client):
    """Return what is read in the Reminders panel."""
    found = re.search(
        r'<section class="panel" id="reminders".*?</section>', text_of(client.get("/settings/")), re.DOTALL
    )
    assert found
    return words_of(found[0])


def test_what_is_chosen_is_kept_and_the_page_says_so():
    user = account(confirmed=True)
    client = browser(user)
    response = save(
        client, remind_at="39", remind_days=["0", "4"], remind_from_cards="10", weekly_summary="on"
    )
    assert (response.status_code, response["Location"]) == (303, "/settings/")
    kept = stored(user)
    assert [kept[name] for name in reminder_settings.FIELDS] == [True, 39, 0b10001, 10, True]
    html = text_of(client.get("/settings/"))
    assert "Reminders saved." in html
    assert '<option value="39" selected>19:30</option>' in html
    assert re.findall(r'name="remind_days" value="(\d)"[^>]* checked', html) == ["0", "4"]


def test_there_are_48_half_hours_to_choose_from():
    html = text_of(browser(account()).get("/settings/"))
    found = re.search(r'<select name="remind_at".*?</select>', html, re.DOTALL)
    assert found
    shown = re.findall(r">(\d\d:\d\d)<", found[0])
    assert shown == [f"{hours.slot_time(slot):%H:%M}" for slot in range(hours.SLOTS)]


def test_mails_are_off_until_they_are_asked_for():
    user = account(confirmed=True)
    assert (user.reminders, user.weekly_summary) == (False, False)
    html = text_of(browser(user).get("/settings/"))
    assert not re.search(r'name="(reminders|weekly_summary)"[^>]* checked', html)
    assert "may come" not in html


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("remind_at", "48", "Choose a time from the list."),
        ("remind_at", "-1", "Choose a time from the list."),
        ("remind_at", "", "Choose a time from the list."),
        ("remind_days", ["7"], "Choose days of the week."),
        ("remind_days", ["0", "x"], "Choose days of the week."),
        ("remind_days", [], "Choose at least one day, or turn the daily reminder off."),
        ("remind_from_cards", "0", "Fewest cards must be a whole number between 1 and 200."),
        ("remind_from_cards", "201", "Fewest cards must be a whole number between 1 and 200."),
        ("remind_from_cards", "", "Fewest cards must be a whole number between 1 and 200."),
        ("remind_from_cards", "two", "Fewest cards must be a whole number between 1 and 200."),
    ],
)
def test_a_mistake_is_named_at_its_field_and_nothing_is_kept(field, typed, said):
    user = account()
    before = stored(user)
    response = save(browser(user), weekly_summary="on", **{field: typed})
    html = text_of(response)
    assert response.status_code == 422
    assert title_of(response).startswith("Error: Settings")
    assert html.count(said) == 2  # in the summary and at the field
    assert f'href="#id_{field}"' in html
    assert f'id="id_{field}"' in html
    assert stored(user) == before


def test_what_was_typed_stays_and_the_other_form_is_as_it_was():
    user = account(new_cards_per_day=123)
    html = text_of(save(browser(user), remind_at="40", remind_days=["6"], remind_from_cards="lots"))
    assert 'value="lots"' in html
    assert '<option value="40" selected>' in html
    assert re.findall(r'name="remind_days" value="(\d)"[^>]* checked', html) == ["6"]
    assert 'value="123"' in html
    assert html.count("There is a problem") == 1


def test_a_mistake_in_the_other_form_leaves_this_one_as_it_was():
    user = account(reminders=True, remind_at=40)
    response = send(browser(user), "/settings/", **(STUDY | {"day_start": "9"}))
    assert response.status_code == 422
    assert '<option value="40" selected>' in text_of(response)
    assert stored(user)["reminders"] is True


def test_the_fields_say_what_describes_them():
    html = text_of(save(browser(account()), remind_days=[], remind_from_cards="x"))
    named = set(re.findall(r'id="([^"]+)"', html))
    for described in re.findall(r'aria-describedby="([^"]+)"', html):
        assert set(described.split()) <= named
    for target in re.findall(r'href="#(id_[^"]+)"', html):
        assert target in named


def test_no_day_at_all_is_fine_while_reminders_are_off():
    user = account(reminders=True)
    typed = {name: value for name, value in TYPED.items() if name != "reminders"} | {"remind_days": []}
    assert send(browser(user), "/settings/", to="/settings/reminders/", **typed).status_code == 303
    assert (stored(user)["reminders"], stored(user)["remind_days"]) == (False, 0)


def test_a_day_that_is_sent_twice_is_one_day():
    user = account()
    save(browser(user), remind_days=["0", "0"])
    assert stored(user)["remind_days"] == 0b1


def test_the_address_of_the_form_leads_to_the_page():
    assert browser(account()).get("/settings/reminders/")["Location"] == "/settings/"


def test_a_guest_is_told_that_reminders_need_an_account_and_gets_none():
    client = visitor()
    assert "Reminders go out by mail, so they need an account" in panel(client)
    assert save(client)["Location"] == "/settings/"
    assert "Sign up first" in text_of(client.get("/settings/"))
    guest = who_is_at(client)
    assert guest
    assert stored(guest)["reminders"] is False


def test_a_learner_changes_only_their_own_mails():
    eve = account("eve@example.org", reminders=True, remind_at=3)
    before = stored(eve)
    save(browser(account()), remind_at="20")
    assert stored(eve) == before


# When a change takes effect.


@pytest.mark.parametrize(
    ("now", "snoozed_to", "anew", "expected"),
    [
        (MORNING, None, False, None),
        (EIGHT - timedelta(seconds=1), None, False, None),
        (EIGHT, None, False, day(2)),
        (TEN, None, False, day(2)),
        (TEN, day(5), False, day(5)),
        (TEN, day(1), False, day(2)),
        (MORNING, day(5), False, day(5)),
        (TEN, day(5), True, day(2)),
        (MORNING, day(5), True, None),
    ],
)
def test_an_hour_that_has_passed_counts_from_tomorrow(now, snoozed_to, anew, expected):
    learner = User(snoozed_to=snoozed_to)
    assert reminder_settings.not_before(learner, now, anew=anew) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Pacific/Auckland", day(2)), ("America/Los_Angeles", None), ("Asia/Tokyo", day(2))],
)
def test_the_hour_and_the_day_are_those_of_the_learners_zone(zone, expected):
    assert reminder_settings.not_before(User(time_zone=zone), TEN) == expected


@given(
    zone=st.sampled_from(sorted(time_zones.known())),
    minute=st.integers(0, 3 * 366 * 24 * 60),
    slot=st.integers(0, 47),
)
def test_it_has_passed_when_those_who_list_mails_say_so(zone, minute, slot):
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    today = now.astimezone(ZoneInfo(zone)).date()
    passed = hours.slots_come(today, zone, now) > slot
    expected = today + timedelta(days=1) if passed else None
    assert reminder_settings.not_before(User(time_zone=zone, remind_at=slot), now) == expected


@pytest.mark.parametrize(
    ("zone", "on"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("Africa/Cairo", date(2026, 4, 24)),
    ],
)
def test_the_same_holds_through_a_change_of_the_clocks(zone, on):
    start = datetime(on.year, on.month, on.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=2)
    for minutes in range(0, 8 * 60, 10):
        now = start + timedelta(minutes=minutes)
        today = now.astimezone(ZoneInfo(zone)).date()
        for slot in range(12):
            passed = hours.slots_come(today, zone, now) > slot
            learner = User(time_zone=zone, remind_at=slot)
            assert (reminder_settings.not_before(learner, now) is not None) == passed


def listed(user, now):
    """Return the days for which a mail is listed by then; the listing looks back a whole day."""
    listing.plan(now)
    return [str(row.intended_on) for row in Reminder.objects.filter(learner=user).order_by("intended_on")]


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ({"reminders": False}, {}),
        ({"reminders": True, "remind_at": 40}, {"remind_at": "18"}),
        ({"reminders": True, "remind_days": 0b10}, {"remind_days": ["0", "1"]}),
        ({"reminders": True, "remind_days": 0b10}, {"remind_days": ["1"], "weekly_summary": "on"}),
    ],
    ids=["switched on", "an earlier hour", "another day", "the weekly summary"],
)
def test_saving_never_sends_a_mail_at_once(before, typed):
    user = account(confirmed=True, **before)
    save(browser(user), **typed)
    assert listed(user, TEN + timedelta(minutes=1)) == []
    assert listed(user, at(2, 21)) == [str(day(2))]


def test_an_hour_still_to_come_is_kept_today(clock):
    user = account(confirmed=True)
    clock.move_to(MORNING, tick=False)
    save(browser(user))
    assert stored(user)["snoozed_to"] is None
    assert listed(user, TEN) == [str(day(1))]


def test_another_time_zone_whose_hour_has_passed_counts_from_tomorrow():
    user = account(confirmed=True, reminders=True, time_zone="America/Los_Angeles")
    send(browser(user), "/settings/", **(STUDY | {"time_zone": "Europe/Berlin"}))
    assert stored(user)["snoozed_to"] == day(2)
    assert listed(user, TEN + timedelta(minutes=1)) == []
    assert listed(user, at(2, 10)) == [str(day(2))]


def test_other_study_settings_leave_the_mails_alone():
    user = account(confirmed=True, reminders=True, time_zone="UTC")
    before = stored(user)
    send(browser(user), "/settings/", **(STUDY | {"new_cards_per_day": "9"}))
    assert stored(user) == before


BACKED_OFF: dict[str, Any] = {"snoozed_to": day(9), "mail_from_on": day(20), "mails_unanswered": 4}


def test_switching_reminders_on_anew_ends_snooze_and_back_off():
    user = account(confirmed=True, **BACKED_OFF)
    save(browser(user))
    kept = stored(user)
    assert (kept["snoozed_to"], kept["mail_from_on"], kept["mails_unanswered"]) == (day(2), None, 0)


def test_so_does_the_weekly_summary_where_no_mail_was_wanted_but_not_beside_reminders():
    user = account(confirmed=True, **BACKED_OFF)
    client = browser(user)
    typed = {name: value for name, value in TYPED.items() if name != "reminders"} | {"weekly_summary": "on"}
    send(client, "/settings/", to="/settings/reminders/", **typed)
    assert (stored(user)["snoozed_to"], stored(user)["mails_unanswered"]) == (day(2), 0)
    User.objects.update(reminders=True, weekly_summary=False, **BACKED_OFF)
    save(client, weekly_summary="on")
    assert {name: stored(user)[name] for name in BACKED_OFF} == BACKED_OFF


@pytest.mark.parametrize(
    "typed", [{}, {"remind_at": "4"}, {"remind_days": ["3"]}, {"remind_from_cards": "9"}]
)
def test_a_change_while_they_are_on_shortens_neither(typed):
    user = account(confirmed=True, reminders=True, **BACKED_OFF)
    save(browser(user), **typed)
    assert {name: stored(user)[name] for name in BACKED_OFF} == BACKED_OFF


def test_saving_writes_only_what_was_changed():
    user = account(confirmed=True, reminders=True)
    form = ReminderSettingsForm(TYPED | {"remind_from_cards": "7"}, instance=User.objects.get(pk=user.pk))
    assert form.is_valid()
    meanwhile = {"mails_unanswered": 3, "mail_from_on": day(8), "snoozed_to": day(6), "weekly_summary": True}
    User.objects.filter(pk=user.pk).update(**meanwhile)
    form.instance.weekly_summary = form.stored["weekly_summary"]
    reminder_settings.keep(form, TEN)
    kept = stored(user)
    assert kept["remind_from_cards"] == 7
    assert {name: kept[name] for name in meanwhile} == meanwhile


def test_mails_that_stopped_start_again_when_the_form_is_saved():
    assert len(urgency.BACK_OFF) + 1 == reminder_settings.STOPPED_AFTER
    user = account(confirmed=True, reminders=True, mails_unanswered=7)
    client = browser(user)
    assert "7 reminders in a row went unanswered, so we stopped." in panel(client)
    assert listed(user, at(2, 10)) == []
    save(client)
    assert stored(user)["mails_unanswered"] == 0
    assert "so we stopped" not in panel(client)
    assert "may come on Tuesday 3 March" in panel(client)
    assert listed(user, at(2, 10)) == [str(day(2))]


# What the page says.


def test_the_page_says_when_the_next_mails_may_come():
    user = account(confirmed=True, reminders=True, remind_at=17, remind_days=0b0001100, weekly_summary=True)
    said = panel(browser(user))
    assert "The next reminder may come on Wednesday 4 March at 08:30" in said
    assert "The next weekly summary may come on Monday 9 March." in said


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, day(2)),
        ({"remind_at": 40}, day(1)),
        ({"snoozed_to": day(4)}, day(4)),
        ({"mail_from_on": day(6), "snoozed_to": day(4)}, day(6)),
        ({"remind_days": 0b1000000}, day(7)),
        ({"break_from": day(1), "break_until": day(10)}, day(11)),
        ({"break_from": day(2), "break_until": day(10), "remind_at": 2}, day(12)),
        ({"break_from": day(1), "break_until": day(60), "remind_days": 1}, day(64)),
        ({"break_from": day(-9), "break_until": day(0)}, day(2)),
        ({"remind_days": 0}, None),
    ],
)
def test_the_next_mail_is_reckoned_with_weekday_snooze_back_off_and_break(fields, expected):
    learner = User(email=ADA, reminders=True, **fields)
    assert reminder_settings.standing(learner, TEN, confirmed=True).reminder_on == expected


def test_the_next_mail_is_the_one_that_is_listed_next():
    fields: dict[str, Any] = {
        "remind_days": 0b0110110,
        "break_from": day(2),
        "break_until": day(11),
        "snoozed_to": day(3),
    }
    user = account(confirmed=True, reminders=True, remind_at=30, **fields)
    expected = reminder_settings.standing(user, TEN, confirmed=True).reminder_on
    found = [days for number in range(1, 20) if (days := listed(user, at(number, 23)))]
    assert found[0] == [str(expected)]


def test_an_address_that_is_not_confirmed_keeps_the_settings_and_waits():
    client = browser(account())
    save(client)
    said = panel(client)
    assert "Your address isn’t confirmed yet." in said
    assert "may come" not in said


def test_a_snooze_is_told_with_its_day():
    user = account(confirmed=True, reminders=True, snoozed_to=day(8))
    assert "no mail comes before Monday 9 March" in panel(browser(user))
    User.objects.update(snoozed_to=day(2))  # tomorrow is the next anyway
    assert "Snoozed" not in panel(browser(user))


def test_an_address_that_came_back_is_told_on_two_pages_and_can_be_tried_again():
    user = account(confirmed=True, reminders=True, refused_email=ADA)
    client = browser(user)
    assert f"Mail to {ADA} came back" in panel(client)
    assert "may come" not in panel(client)
    assert f"Our mail to {ADA} came back" in words_of(text_of(client.get("/today/")))
    assert 'href="/settings/#reminders"' in text_of(client.get("/today/"))
    assert send(client, "/settings/", to="/settings/reminders/try-again/")["Location"] == "/settings/"
    assert (stored(user)["refused_email"], stored(user)["snoozed_to"]) == ("", day(2))
    assert "came back" not in panel(client) + text_of(client.get("/today/"))


def test_an_earlier_address_that_came_back_is_no_news():
    user = account(confirmed=True, reminders=True, refused_email="old@example.org")
    client = browser(user)
    assert "came back" not in panel(client) + text_of(client.get("/today/"))


# Sign-up.


def test_sign_up_asks_once_and_the_box_is_empty():
    html = text_of(browser().get("/accounts/signup/"))
    boxes = re.findall(r'<input type="checkbox"[^>]*>', html)
    assert len(boxes) == 1
    assert 'name="reminders"' in boxes[0]
    assert "checked" not in boxes[0]
    assert "Send me a short mail at 08:00 when cards are due" in html


def test_who_does_not_tick_it_gets_no_reminders():
    sign_up(browser())
    assert User.objects.get().reminders is False


@pytest.mark.parametrize(("zone", "snoozed_to"), [("Europe/Berlin", day(2)), ("America/Los_Angeles", None)])
def test_who_ticks_it_gets_them_at_eight_in_the_browsers_zone_and_not_at_once(zone, snoozed_to):
    client = browser()
    sign_up(client, reminders="on", time_zone=zone)
    user = who_is_at(client)
    assert user
    assert (user.reminders, user.remind_at, user.remind_days) == (True, 16, EVERY_DAY)
    assert (user.weekly_summary, user.snoozed_to) == (False, snoozed_to)


def test_a_guest_who_signs_up_is_asked_too():
    client = visitor("Asia/Tokyo")
    sign_up(client, reminders="on")
    user = User.objects.get()
    assert (user.reminders, user.time_zone, user.snoozed_to) == (True, "Asia/Tokyo", day(2))


def test_mails_begin_when_the_address_is_confirmed_and_not_for_an_hour_that_has_passed(clock):
    client = browser()
    sign_up(client, reminders="on", time_zone="UTC")
    user = User.objects.get()
    assert listed(user, at(4, 7)) == []
    clock.move_to(at(4, 9), tick=False)
    link = link_in(mail.outbox[0])
    assert "also starts the reminders you asked for" in text_of(client.get(link))
    send(client, link)
    assert EmailAddress.objects.get().verified
    assert "Your reminders start with the next cards that are due at 08:00." in text_of(client.get("/today/"))
    assert listed(user, at(4, 10)) == []
    assert listed(user, at(5, 10)) == [str(day(5))]


def test_a_confirmation_says_nothing_of_reminders_that_nobody_asked_for():
    client = browser()
    sign_up(client)
    link = link_in(mail.outbox[0])
    assert "reminders" not in text_of(client.get(link))
    send(client, link)
    said = text_of(client.get("/today/"))
    assert f"{ADA} is confirmed." in said
    assert "reminders" not in said


def test_settings_ask_the_database_no_more_than_before(django_assert_max_num_queries):
    client = browser(account(reminders=True, refused_email=ADA))
    with django_assert_max_num_queries(7):
        client.get("/settings/")


def test_saving_needs_the_forms_token():
    user = account()
    client = browser(user)
    token_of(client, "/settings/")
    assert client.post("/settings/reminders/", TYPED).status_code == 403
    assert client.post("/settings/reminders/try-again/").status_code == 403
    assert stored(user)["reminders"] is False
