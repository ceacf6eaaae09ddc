"""What becomes of a listed mail: sent once, skipped when it is no longer wanted, tried again, given up."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import CommandError, call_command

from accounts.models import User
from config.celery import app
from flashcards.models import Card, Reminder
from flashcards.reminders import claims, handing, listing, sending
from tests import making
from tests.accounts.people import ADA, account

pytestmark = pytest.mark.django_db
EIGHT = datetime(2026, 11, 24, 8, tzinfo=UTC)
A_DAY = timedelta(days=1)


@pytest.fixture
def cards() -> list[Card]:
    return making.deck(3)


def ada(**fields: Any) -> User:
    """Return a learner who wants a mail at 08:00 UTC and may have it."""
    return account(ADA, **({"confirmed": True, "reminders": True} | fields))


def tick(now: datetime) -> list[str]:
    """List and send what is due at this instant; return the states that it ended in."""
    listing.plan(now)
    listing.skip_expired(now)
    return [state for ids in handing.hand_out(now, 10) for state in sending.send(ids, lambda: now).elements()]


def listed(now: datetime = EIGHT) -> list[int]:
    """List what is due and return its ids, unsent."""
    listing.plan(now)
    return list(Reminder.objects.values_list("pk", flat=True))


def outcome() -> tuple[str, str]:
    row = Reminder.objects.get()
    return row.state, row.reason


def test_a_learner_with_something_due_gets_one_mail_at_their_address_only(cards):
    ada()
    assert tick(EIGHT) == ["sent"]
    row, (message,) = Reminder.objects.get(), mail.outbox
    assert message.recipients() == [ADA]
    assert message.extra_headers["Message-ID"] == row.message_id
    assert (row.state, row.sent_at, row.lease_until, row.tries, row.reason) == ("sent", EIGHT, None, 1, "")


def test_sent_again_it_stays_one_mail(cards):
    ada()
    ids = listed()
    for _ in range(3):
        sending.send(ids * 2, lambda: EIGHT)
    assert len(mail.outbox) == 1


def test_nothing_due_is_no_mail():
    ada()
    assert tick(EIGHT) == ["skipped"]
    assert not mail.outbox
    assert outcome() == ("skipped", "nothing is due")


def test_fewer_cards_than_wanted_are_no_mail(cards):
    ada(remind_from_cards=4)
    tick(EIGHT)
    assert outcome() == ("skipped", "fewer cards than wanted")


def test_whoever_has_studied_already_this_study_day_gets_no_mail(cards):
    learner = ada()
    making.graded(learner, cards[0], 4, EIGHT - timedelta(hours=1))
    tick(EIGHT)
    assert outcome() == ("skipped", "studied already")


def test_a_break_that_begins_between_plan_and_send_keeps_the_mail_back(cards):
    ada()
    ids = listed()
    User.objects.update(break_from=EIGHT.date(), break_until=EIGHT.date())
    sending.send(ids, lambda: EIGHT)
    assert outcome() == ("skipped", "in a break")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reminders": False}, "turned off"),
        ({"is_active": False}, "turned off"),
        ({"email": "new@example.org"}, "no confirmed address"),
        ({"refused_email": ADA}, "address refused before"),
        ({"snoozed_to": (EIGHT + A_DAY).date()}, "put off"),
    ],
    ids=str,
)
def test_what_changes_between_plan_and_send_counts(cards, change, reason):
    ada()
    ids = listed()
    User.objects.update(**change)
    sending.send(ids, lambda: EIGHT)
    assert not mail.outbox
    assert outcome() == ("skipped", reason)


def test_an_address_changed_and_confirmed_meanwhile_gets_the_mail_in_place_of_the_old_one(cards):
    learner = ada()
    ids = listed()
    EmailAddress.objects.filter(user=learner).update(email="new@example.org")
    User.objects.update(email="new@example.org")
    sending.send(ids, lambda: EIGHT)
    assert [message.recipients() for message in mail.outbox] == [["new@example.org"]]


def test_a_learner_deleted_meanwhile_is_no_mail_and_no_error(cards):
    learner = ada()
    ids = listed()
    learner.delete()
    assert sending.send(ids, lambda: EIGHT).total() == 0
    assert not mail.outbox


def test_no_second_mail_comes_in_the_same_study_day_when_the_hour_moves_past_midnight(cards):
    learner = ada(remind_at=47)
    half_past_eleven = EIGHT.replace(hour=23, minute=30)
    assert tick(half_past_eleven) == ["sent"]
    # An hour that comes again 30 minutes later, under the next date but before the study day ends at 04:00.
    User.objects.filter(pk=learner.pk).update(remind_at=0, mail_from_on=None, mails_unanswered=0)
    assert tick(half_past_eleven + timedelta(minutes=30)) == ["skipped"]
    assert Reminder.objects.latest("intended_on").reason == "sent already this day"


# How often


def days_with_mail(days: Iterable[int], answering: list[Card] | None = None) -> list[int]:
    """Tick at 08:00 on these days; with cards, answer one after each mail. Return the days with mail."""
    learner, found = ada(new_cards_per_day=200), list[int]()
    for number in days:
        now = EIGHT + number * A_DAY
        if "sent" in tick(now):
            found.append(number)
            if answering:
                learner.refresh_from_db()
                making.graded(learner, answering[number], 4, now + timedelta(minutes=5))
    return found


def test_whoever_never_answers_gets_mails_farther_and_farther_apart_then_a_last_one_and_then_none(cards):
    # The days around each mail, and many after the last.
    looked_at = [*range(12), 18, 19, 20, 38, 39, 40, 68, 69, 70, 71, 99, 100, 400]
    assert days_with_mail(looked_at) == [0, 2, 4, 9, 19, 39, 69]
    ends = ["This is the last" in str(message.body) for message in mail.outbox]
    assert ends == [False] * 6 + [True]


def test_whoever_answers_gets_one_every_day():
    assert days_with_mail(range(6), answering=making.deck(20)) == list(range(6))


def test_one_answer_after_long_silence_brings_the_daily_mail_back(cards):
    learner = ada(mails_unanswered=7)
    assert tick(EIGHT) == []
    making.graded(learner, cards[0], 4, EIGHT)
    learner.refresh_from_db()
    assert (learner.mails_unanswered, learner.mail_from_on) == (0, None)
    assert tick(EIGHT + A_DAY) == ["sent"]


def test_an_answer_given_while_the_mail_is_on_its_way_is_not_counted_as_silence(cards):
    learner = ada(mails_unanswered=3)
    (pk,) = listed()
    claimed = claims.claim(pk, EIGHT)
    assert claimed is not None
    making.graded(learner, cards[0], 4, EIGHT)
    claims.sent(claimed, EIGHT)
    learner.refresh_from_db()
    assert (learner.mails_unanswered, learner.mail_from_on) == (0, None)


# Claims


def test_what_somebody_is_sending_is_left_alone_until_the_lease_is_over_and_keeps_its_message_id(cards):
    ada()
    ids = listed()
    before = Reminder.objects.get().message_id
    assert claims.claim(ids[0], EIGHT)
    late = EIGHT + claims.lease()
    assert sending.send(ids, lambda: late - timedelta(seconds=1)).total() == 0
    assert sending.send(ids, lambda: late) == {"sent": 1}
    row = Reminder.objects.get()
    assert (row.message_id, row.tries) == (before, 2)


def test_who_comes_back_after_the_lease_changes_nothing_any_more(cards):
    ada()
    (pk,) = listed()
    slow = claims.claim(pk, EIGHT)
    other = claims.claim(pk, EIGHT + claims.lease())
    assert slow is not None
    assert other is not None
    assert not claims.finish(slow, state="due")
    claims.sent(slow, EIGHT)
    assert outcome()[0] == "sending"
    claims.sent(other, EIGHT)
    assert outcome()[0] == "sent"


def test_the_lease_outlasts_every_talk_with_a_mail_server_and_the_workers_own_limit(settings):
    # connect, greeting, EHLO, STARTTLS, EHLO, AUTH in up to three steps, MAIL, RCPT, DATA, the dot
    assert claims.lease() > 12 * timedelta(seconds=settings.EMAIL_TIMEOUT)
    assert claims.lease() > timedelta(seconds=app.conf.task_time_limit)


def test_a_mail_is_not_claimed_before_its_next_try_nor_after_its_day(cards):
    ada()
    (pk,) = listed()
    Reminder.objects.update(next_try_at=EIGHT + timedelta(minutes=1))
    assert claims.claim(pk, EIGHT) is None
    assert claims.claim(pk, EIGHT + timedelta(days=1)) is None
    assert claims.claim(pk, EIGHT + timedelta(minutes=1))


# Portions


def test_a_mail_that_cannot_be_written_waits_and_the_others_leave(cards):
    broken = ada()
    account("eve@example.org", confirmed=True, reminders=True)
    ids = listed()
    User.objects.filter(pk=broken.pk).update(time_zone="Mars/Olympus_Mons")
    outcomes = sending.send(ids, lambda: EIGHT)
    assert outcomes == {"due": 1, "sent": 1}
    row = broken.mails.get()
    assert (row.reason, row.next_try_at) == ("could not be written", EIGHT + sending.PAUSES[0])


def test_a_portion_that_takes_too_long_leaves_the_rest_to_another_worker(cards):
    for number in range(3):
        account(f"learner{number}@example.org", confirmed=True, reminders=True)
    ids = listed()
    handing.hand_out(EIGHT, 1)
    times = iter([EIGHT] * 4 + [EIGHT + sending.LONGEST + timedelta(seconds=1)] * 9)
    assert sending.send(ids, lambda: next(times)) == {"sent": 1}
    left = EIGHT + sending.LONGEST + timedelta(seconds=1)
    assert [len(portion) for portion in handing.hand_out(left, 1)] == [2]


def test_nobody_is_handed_what_somebody_else_has_unless_nothing_came_of_it(cards):
    for number in range(handing.CHUNK + 1):
        account(f"learner{number}@example.org", confirmed=True, reminders=True)
    listing.plan(EIGHT)
    assert [len(portion) for portion in handing.hand_out(EIGHT, 1)] == [handing.CHUNK]
    assert [len(portion) for portion in handing.hand_out(EIGHT, 1)] == [1]
    assert handing.hand_out(EIGHT + handing.LOST_AFTER - timedelta(seconds=1), 9) == []
    again = handing.hand_out(EIGHT + handing.LOST_AFTER, 9)
    assert sorted(map(len, again)) == [1, handing.CHUNK]


# By hand


def by_hand(*arguments: str) -> str:
    out = StringIO()
    call_command("send_reminders", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_does_a_whole_tick_at_the_given_instant(cards):
    ada(time_zone="Europe/Berlin")
    assert by_hand("--now", "2026-11-24T06:59:59Z") == "0 listed; nothing to send.\n"
    assert by_hand("--now", "2026-11-24T08:00+01:00") == "1 listed; 1 sent.\n"
    assert by_hand("--now", "2026-11-24T07:00") == "0 listed; nothing to send.\n"
    assert len(mail.outbox) == 1


def test_an_instant_that_is_none_is_refused_in_words():
    with pytest.raises(CommandError, match="“tomorrow” is no date and time; one is 2026-12-24T08:00"):
        by_hand("--now", "tomorrow")


def test_a_mail_for_whoever_is_over_an_interview_counts_the_cards_as_the_page_will(cards):
    learner = ada(interview_on=(EIGHT - A_DAY).date())
    assert tick(EIGHT) == ["sent"]
    learner.refresh_from_db()
    assert learner.interview_on is None
