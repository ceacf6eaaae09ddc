"""Who is put on the list of mails, for which date, and when not; nothing is sent here."""

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts import time_zones
from accounts.models import User
from flashcards.models import Reminder
from flashcards.reminders import listing
from tests.accounts.people import ADA, account

pytestmark = pytest.mark.django_db
EIGHT = datetime(2026, 11, 24, 8, tzinfo=UTC)  # a Tuesday
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TODAY = EIGHT.date()


def ada(**fields: Any) -> User:
    """Return a learner who wants a mail at 08:00 UTC and may have it, but for what is given."""
    return account(ADA, **({"confirmed": True, "reminders": True} | fields))


def on_the_list() -> list[tuple[str, date]]:
    return list(Reminder.objects.order_by("intended_on", "kind").values_list("kind", "intended_on"))


def test_a_mail_is_listed_at_its_half_hour_and_no_sooner():
    ada()
    assert listing.plan(EIGHT - timedelta(seconds=1)) == 0
    assert listing.plan(EIGHT) == 1
    (row,) = Reminder.objects.all()
    assert (row.kind, row.intended_on, row.state, row.tries) == ("daily", TODAY, "due", 0)
    assert row.next_try_at == EIGHT
    assert row.expires_at == EIGHT.replace(hour=0) + timedelta(days=1)


def test_a_second_run_lists_nothing_and_changes_nothing():
    ada()
    listing.plan(EIGHT)
    before = list(Reminder.objects.values())
    assert listing.plan(EIGHT + timedelta(minutes=1)) == 0
    assert list(Reminder.objects.values()) == before


def test_the_message_id_tells_kind_date_and_learner_and_comes_from_the_address_of_the_pages(settings):
    settings.BASE_URL = "https://engram.example:8443"
    learner = ada()
    listing.plan(EIGHT)
    assert Reminder.objects.get().message_id == f"<daily-2026-11-24-{learner.pk}@engram.example>"


@pytest.mark.parametrize(
    "fields",
    [
        {"reminders": False},
        {"is_active": False},
        {"confirmed": False},
        {"refused_email": ADA},
        {"mails_unanswered": 7},
        {"snoozed_to": TODAY + timedelta(days=1)},
        {"mail_from_on": TODAY + timedelta(days=1)},
        {"break_from": TODAY, "break_until": TODAY},
        {"remind_days": 0b1111101},  # every day but Tuesday
        {"remind_at": 17},
        {"time_zone": "America/New_York"},
    ],
    ids=str,
)
def test_no_mail_for_whoever_wants_none_now_or_cannot_get_any(fields):
    ada(**fields)
    assert listing.plan(EIGHT) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"refused_email": "old@example.org"},
        {"mails_unanswered": 6},
        {"snoozed_to": TODAY},
        {"mail_from_on": TODAY},
        {"break_from": TODAY - timedelta(days=3), "break_until": TODAY - timedelta(days=1)},
        {"break_from": TODAY + timedelta(days=1), "break_until": TODAY + timedelta(days=2)},
        {"remind_days": 0b0000010},
    ],
    ids=str,
)
def test_what_is_over_or_not_yet_begun_keeps_no_mail_back(fields):
    ada(**fields)
    assert listing.plan(EIGHT) == 1


def test_a_confirmed_address_that_is_no_longer_the_accounts_own_is_not_enough():
    learner = ada(confirmed=False)
    EmailAddress.objects.create(user=learner, email="old@example.org", verified=True)
    assert listing.plan(EIGHT) == 0


def test_the_weekly_summary_comes_on_mondays_beside_the_daily_mail():
    ada(weekly_summary=True)
    assert listing.plan(MONDAY) == 2
    assert on_the_list() == [("daily", MONDAY.date()), ("weekly", MONDAY.date())]
    assert listing.plan(EIGHT) == 1


def test_the_weekly_summary_asks_neither_for_reminders_nor_for_their_days():
    ada(reminders=False, weekly_summary=True, remind_days=0b0000010)
    assert listing.plan(MONDAY) == 1
    assert on_the_list() == [("weekly", MONDAY.date())]


def test_a_change_of_zone_or_hour_after_the_mail_brings_no_second_one_for_the_same_date():
    learner = ada(time_zone="Asia/Tokyo")
    morning_in_tokyo = datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert listing.plan(morning_in_tokyo) == 1
    learner.time_zone, learner.remind_at = "America/New_York", 18
    learner.save()
    assert listing.plan(datetime(2026, 11, 24, 14, tzinfo=UTC)) == 0
    assert listing.plan(datetime(2026, 11, 25, 14, tzinfo=UTC)) == 1


def test_three_days_without_a_worker_leave_one_mail_to_send():
    ada()
    listing.plan(EIGHT)
    back = EIGHT + timedelta(days=3)
    assert listing.skip_expired(back) == 1
    assert listing.plan(back) == 1
    states = Reminder.objects.order_by("intended_on").values_list("state", "reason")
    assert list(states) == [("skipped", "too late"), ("due", "")]


def test_what_is_given_up_keeps_the_reason_why_it_was_late():
    ada()
    listing.plan(EIGHT)
    Reminder.objects.update(reason="451 try again")
    listing.skip_expired(EIGHT + timedelta(days=1))
    assert Reminder.objects.get().reason == "too late: 451 try again"


def test_a_mail_that_somebody_is_sending_is_not_given_up():
    ada()
    listing.plan(EIGHT)
    late = EIGHT + timedelta(days=1)
    Reminder.objects.update(state="sending", lease_until=late + timedelta(seconds=1))
    assert listing.skip_expired(late) == 0
    assert listing.skip_expired(late + timedelta(seconds=1)) == 1


def test_the_clock_set_back_by_an_hour_lists_nothing_again():
    ada()
    listing.plan(EIGHT)
    assert listing.plan(EIGHT - timedelta(hours=1)) == 0
    assert listing.plan(EIGHT + timedelta(days=1)) == 1


@pytest.mark.django_db(transaction=True)
def test_ten_planners_at_once_list_each_mail_once():
    for number in range(30):
        account(f"learner{number}@example.org", confirmed=True, reminders=True)
    barrier, counts = Barrier(10), list[int]()

    def run() -> None:
        barrier.wait()
        counts.append(listing.plan(EIGHT))
        connection.close()

    threads = [Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 10
    assert sum(counts) == Reminder.objects.count() == 30


def test_the_database_refuses_a_second_row_for_the_same_date_and_kind():
    learner = ada()
    listing.plan(EIGHT)
    row = Reminder.objects.get()
    row.pk, row.message_id = None, "<other@example.org>"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Reminder.objects.update(lease_until=F("expires_at"))
    assert learner.mails.count() == 1


def test_the_plan_takes_one_statement_for_each_kind_whatever_the_number_of_learners():
    for number in range(20):
        account(f"learner{number}@example.org", confirmed=True, reminders=True)
    with CaptureQueriesContext(connection) as captured:
        assert listing.plan(EIGHT + timedelta(days=2)) == 20  # when it is Monday nowhere
    statements = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    # The zones of those who want either kind are asked for first.
    assert [sql.split()[0] for sql in statements] == ["WITH", "WITH", "INSERT"]


def test_a_day_is_listed_for_every_zone_that_there_is():
    names = sorted(time_zones.known())
    User.objects.bulk_create(
        User(email=f"{zone}@example.org", time_zone=zone, remind_at=place % 40, reminders=True)
        for place, zone in enumerate(names)
    )
    people = User.objects.filter(time_zone__in=names)
    addresses = [EmailAddress(user=who, email=who.email, verified=True, primary=True) for who in people]
    EmailAddress.objects.bulk_create(addresses)
    for hours in range(0, 25, 4):  # at one of these it is between 20:00 and midnight wherever one lives
        listing.plan(EIGHT + timedelta(hours=hours))
    listed = Reminder.objects.filter(intended_on=TODAY).values_list("learner__time_zone", flat=True)
    assert sorted(listed) == names


def test_a_zone_that_this_machine_does_not_know_keeps_no_mail_of_the_others_back():
    ada()
    account("nowhere@example.org", confirmed=True, reminders=True, time_zone="Mars/Olympus_Mons")
    assert listing.plan(EIGHT) == 1


ZONES = ["Europe/Berlin", "America/Nuuk", "Australia/Lord_Howe", "Asia/Kolkata"]


def test_over_a_change_of_clocks_every_half_hour_of_every_date_gets_one_mail():
    changed_on = date(2026, 3, 29)  # in Berlin and in Nuuk, which skips the last hour of the 28th
    people = [
        User(email=f"{zone}-{slot}@example.org", time_zone=zone, remind_at=slot, reminders=True)
        for zone in ZONES
        for slot in range(48)
    ]
    User.objects.bulk_create(people)
    addresses = [EmailAddress(user=who, email=who.email, verified=True, primary=True) for who in people]
    EmailAddress.objects.bulk_create(addresses)
    start = datetime.combine(changed_on, datetime.min.time(), tzinfo=UTC) - timedelta(hours=36)
    for hour in range(64):
        listing.plan(start + timedelta(hours=hour), timedelta(hours=1))
    days = [changed_on + timedelta(days=n) for n in (-1, 0)]
    listed = Reminder.objects.filter(intended_on__in=days).values_list("learner", "intended_on")
    assert len(listed) == len(set(listed)) == 2 * 48 * len(ZONES)
