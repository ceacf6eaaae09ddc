"""What becomes of mails while a real mail server fails in every way and learners change their minds."""

from datetime import timedelta
from functools import partial

import pytest

from accounts.models import User
from flashcards import reviewing
from flashcards.models import Card, Reminder
from flashcards.reminders import claims, handing, listing, sending
from tests.accounts import people
from tests.making import answer, at, card, day, scheduled
from tests.running.faults import Rule, every_kind
from tests.services.mail_storm import until
from tests.services.ticking import MINUTE, SECONDS, TIMEOUT, at_once, beside, got, row, tick, ticks

pytestmark = pytest.mark.django_db
# What several threads do has to be committed.
committed = pytest.mark.django_db(transaction=True)

NOW = at(1, 8)  # the usual hour of reminders, in UTC
State = Reminder.State


@pytest.fixture
def what() -> Card:
    return card()


@pytest.fixture
def ada(what: Card) -> User:
    return reader(what)


def reader(what: Card, email: str = people.ADA) -> User:
    """Return a learner who is to be reminded of a card that is due."""
    who = people.account(email, confirmed=True, reminders=True)
    scheduled(who, what, day(1))
    return who


# When all is well


def test_a_reminder_is_sent_once_and_well_formed(sink, ada):
    ticks(NOW, 10)
    [mail] = got(sink, ada)
    assert mail.message_id == row(ada).message_id
    assert row(ada).state == State.SENT


def test_a_portion_goes_over_one_connection(sink, what):
    everyone = [reader(what, f"learner{n}@example.org") for n in range(5)]
    tick(NOW)
    assert [len(got(sink, who)) for who in everyone] == [1] * 5
    assert sink.connections == 1


# Several at once


@committed
def test_ten_planners_at_once_list_each_mail_once(sink, what):
    everyone = [reader(what, f"learner{n}@example.org") for n in range(20)]
    listed = at_once([partial(listing.plan, NOW)] * 10)
    assert sum(listed) == len(everyone)
    assert Reminder.objects.count() == len(everyone)


@committed
def test_a_portion_that_two_workers_have_is_sent_once(sink, what):
    everyone = [reader(what, f"learner{n}@example.org") for n in range(4)]
    listing.plan(NOW)
    [portion] = handing.hand_out(NOW, 1)
    sink.fail(Rule("end", "delay", seconds=0.1))
    at_once([partial(sending.send, portion, lambda: NOW)] * 4)
    assert [len(got(sink, who)) for who in everyone] == [1] * 4


@committed
def test_sweepers_at_once_hand_out_different_portions(sink, what):
    for n in range(handing.CHUNK + 5):
        reader(what, f"learner{n}@example.org")
    listing.plan(NOW)
    handed = at_once([partial(handing.hand_out, NOW, 10)] * 4)
    ids = [pk for portions in handed for portion in portions for pk in portion]
    assert sorted(ids) == sorted(Reminder.objects.values_list("pk", flat=True))


# The mail server fails for now


@pytest.mark.parametrize(
    "rule",
    [
        Rule("connect", "reply", code=421),
        Rule("connect", "drop"),
        Rule("connect", "hang"),
        Rule("mail", "reply", code=421),
        Rule("mail", "reply", code=451),
        Rule("rcpt", "reply", code=451),
        Rule("rcpt", "hang"),
        Rule("data", "reply", code=451),
        Rule("data", "drop"),
        Rule("end", "reply", code=451),
        Rule("end", "reply", code=421),
        Rule("end", "hang"),
        Rule("end", "drop"),
    ],
    ids=lambda rule: f"{rule.action}@{rule.stage}-{rule.code}",
)
def test_a_failure_for_now_is_followed_by_the_mail(rule, sink, ada):
    rule.times, rule.hits = 1, 0
    sink.fail(rule)
    tick(NOW)
    assert row(ada).state == State.DUE
    assert not got(sink, ada)
    ticks(NOW + MINUTE, 3)
    assert rule.hits == 1
    assert len(got(sink, ada)) == 1
    assert row(ada).state == State.SENT


def test_the_pauses_between_tries_grow(sink, ada):
    sink.fail(Rule("rcpt", "reply", code=451))
    now, pauses = NOW, list[timedelta]()
    for _ in range(4):
        tick(now)
        pauses.append(row(ada).next_try_at - now)
        now = row(ada).next_try_at
    assert pauses == sorted(set(pauses))


@pytest.mark.parametrize("action", ["drop", "hang", "reply"])
def test_a_mail_that_was_kept_without_a_word_comes_again_under_the_same_id(action, sink, ada):
    sink.fail(Rule("end", action, keeps=True, times=1))
    ticks(NOW, 3)
    assert [mail.message_id for mail in got(sink, ada)] == [row(ada).message_id] * 2
    assert row(ada).state == State.SENT


def test_one_that_hangs_does_not_hold_up_the_others_of_its_portion(sink, what):
    everyone = [reader(what, f"learner{n}@example.org") for n in range(4)]
    sink.fail(Rule("rcpt", "hang", to="^learner1@"))
    tick(NOW)
    assert [len(got(sink, who)) for who in everyone] == [1, 0, 1, 1]


def test_a_slow_answer_is_waited_for(sink, ada):
    sink.fail(Rule("end", "delay", seconds=TIMEOUT / 2))
    tick(NOW)
    assert len(got(sink, ada)) == 1
    assert row(ada).state == State.SENT


@committed
def test_while_a_worker_waits_for_the_mail_server_no_other_has_the_mail(sink, ada):
    sink.fail(Rule("end", "delay", seconds=TIMEOUT * 0.8))
    listing.plan(NOW)
    with beside(lambda: sending.send([row(ada).pk], lambda: NOW)):
        assert until(lambda: row(ada).state == State.SENDING, SECONDS)
        for step in range(10):
            assert not sending.send([row(ada).pk], lambda: NOW + step * claims.lease() / 10)  # noqa: B023
    assert len(got(sink, ada)) == 1


def test_a_worker_that_died_is_followed_by_another_once_its_lease_is_over(sink, ada):
    listing.plan(NOW)
    assert claims.claim(row(ada).pk, NOW)
    tick(NOW + claims.lease() - timedelta(seconds=1))
    assert not got(sink, ada)
    tick(NOW + claims.lease())
    assert len(got(sink, ada)) == 1


def test_a_mail_server_that_is_away_for_two_hours_gets_one_mail_for_each_when_it_is_back(sink, what):
    everyone = [reader(what, f"learner{n}@example.org") for n in range(3)]
    sink.down()
    ticks(NOW, 120, step=15)
    assert not sink.kept()
    sink.up()
    ticks(NOW + 120 * MINUTE, 15, step=5)
    assert [len(got(sink, who)) for who in everyone] == [1] * 3


def test_one_that_is_away_for_the_rest_of_the_day_gets_none_of_them_later(sink, ada):
    sink.down()
    ticks(NOW, 16 * 60, step=120)
    sink.up()
    tick(at(2, 0, 30))
    assert row(ada).state == State.SKIPPED
    assert not sink.kept()
    tick(at(2, 8))
    assert len(got(sink, ada)) == 1


def test_three_days_without_workers_are_followed_by_one_mail(sink, ada):
    listing.plan(NOW)
    ticks(at(4, 8), 10)
    assert len(got(sink, ada)) == 1


def test_a_clock_set_back_an_hour_sends_nothing_again(sink, ada):
    tick(NOW + 30 * MINUTE)
    ticks(NOW - 30 * MINUTE, 90, step=15)
    assert len(got(sink, ada)) == 1


# The mail server refuses for good


def test_a_refused_address_is_marked_and_not_tried_again(sink, what):
    bad, good = reader(what, "bad@example.org"), reader(what)
    sink.fail(Rule("rcpt", "reply", code=550, to="^bad"))
    ticks(NOW, 10)
    tick(at(2, 8))
    bad.refresh_from_db()
    assert bad.refused_email == bad.email
    assert row(bad).state == State.REFUSED
    assert [attempt.told for attempt in sink.attempts() if attempt.recipients == bad.email] == ["550"]
    assert len(got(sink, good)) == 1


@pytest.mark.parametrize("code", [552, 554])
def test_a_refused_mail_is_not_sent_again(code, sink, ada):
    sink.fail(Rule("end", "reply", code=code))
    ticks(NOW, 60, step=20)
    assert [attempt.told for attempt in sink.attempts()] == [str(code)]
    assert row(ada).state == State.REFUSED


def test_one_bad_address_costs_nobody_else_a_mail(sink, what):
    everyone = [reader(what, f"learner{n}@example.org") for n in range(60)]
    sink.fail(Rule("rcpt", "reply", code=550, to="^learner7@"))
    tick(NOW)
    assert {who.email for who in everyone if not got(sink, who)} == {"learner7@example.org"}


# The learner has changed something between the list and the mail


def change(who: User, **fields: object) -> None:
    User.objects.filter(pk=who.pk).update(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"reminders": False},
        {"is_active": False},
        {"snoozed_to": day(2)},
        {"email": "new@example.org"},
        {"break_from": day(1), "break_until": day(3)},
        {"remind_from_cards": 2},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_whoever_no_longer_wants_the_mail_gets_none(fields, sink, ada):
    listing.plan(NOW)
    change(ada, **fields)
    ticks(NOW, 3)
    assert not sink.attempts()
    assert row(ada).state == State.SKIPPED


def test_it_goes_to_the_new_address_only(sink, ada):
    listing.plan(NOW)
    change(ada, email="new@example.org")
    ada.emailaddress_set.update(email="new@example.org")
    tick(NOW)
    assert [mail.recipients for mail in sink.kept()] == ["new@example.org"]


def test_whoever_has_studied_meanwhile_gets_none(sink, what, ada):
    listing.plan(NOW)
    reviewing.grade_card(ada, what.pk, answer(4, 3), NOW)
    tick(NOW + MINUTE)
    assert not sink.attempts()
    assert row(ada).state == State.SKIPPED


def test_an_hour_moved_after_the_mail_brings_no_second_one(sink, ada):
    tick(NOW)
    change(ada, remind_at=20, time_zone="Europe/Berlin")
    ticks(NOW, 300, step=60)
    assert len(got(sink, ada)) == 1


def test_an_account_deleted_before_the_mail_gets_none(sink, ada):
    listing.plan(NOW)
    [portion] = handing.hand_out(NOW, 1)
    ada.delete()
    sending.send(portion, lambda: NOW)
    assert not sink.attempts()


@committed
def test_an_account_deleted_while_the_mail_leaves_ends_quietly(sink, ada, caplog):
    sink.fail(rule := Rule("end", "delay", seconds=TIMEOUT / 2))
    listing.plan(NOW)
    pk = row(ada).pk
    with beside(lambda: sending.send([pk], lambda: NOW)):
        assert until(lambda: rule.hits, SECONDS)
        ada.delete()
    assert people.ADA not in caplog.text
    assert not Reminder.objects.exists()


# All of it


def test_faults_of_every_kind_lose_no_mail_and_double_none(sink, what):
    everyone = [reader(what, f"learner{n}@example.org") for n in range(30)]
    sink.fail(*every_kind(0.4))
    ticks(NOW, 20, step=4)
    sink.fail()
    ticks(NOW + 20 * MINUTE, 30, step=5)
    refused = {attempt.recipients for attempt in sink.attempts() if attempt.told.startswith("5")}
    for who in everyone:
        ids = {mail.message_id for mail in got(sink, who)}
        assert len(ids) == 1 or (who.email in refused and len(ids) <= 1)
    untold = sum(not mail.told.startswith("2") for mail in sink.kept())
    copies = len(sink.kept()) - len({mail.message_id for mail in sink.kept()})
    assert untold
    assert copies <= untold
