"""The export: all of a learner's data, none of another's, and enough to work out every due date again."""

import json
import tracemalloc
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from flashcards import exporting, notes, reviewing
from flashcards.models import (
    Card,
    DayStat,
    Interview,
    InterviewTopic,
    Note,
    Reminder,
    ReviewLog,
    ReviewState,
)
from flashcards.scheduling import schedule, sm2
from flashcards.scheduling.schedule import Event, Kind
from tests import making
from tests.making import at, day

pytestmark = pytest.mark.django_db


def exported(who, now=None):
    return json.loads("".join(exporting.export(who, now or at(30))))


def columns(model, *left_out):
    return {field.name for field in model._meta.concrete_fields} - {"id", *left_out}


def test_nothing_is_forgotten():
    assert set(exporting.STATE) == columns(ReviewState, "learner", "card")
    assert set(exporting.EVENT) == columns(ReviewLog, "learner", "state")
    being_moved = ("planned_up_to", "spreading")
    hidden = ("is_staff", "is_active", "is_superuser", "session_epoch", "gone_at", *being_moved)
    own = columns(User, "password", *hidden)
    assert set(exporting.ACCOUNT) == own
    assert set(exporting.DAY) == columns(DayStat, "learner")
    assert set(exporting.INTERVIEW) == columns(Interview, "learner")
    assert set(exporting.MAIL) == columns(Reminder, "learner")


def test_a_new_learner_has_an_account_and_no_cards():
    who = making.learner(time_zone="Pacific/Auckland", day_start=3)
    EmailAddress.objects.create(user=who, email=who.email, verified=True, primary=True)
    data = exported(who)
    assert (data["format"], data["version"], data["cards"]) == ("engram-export", 1, [])
    assert data["exported_at"] == "2026-03-31T12:00:00+00:00"
    account = data["account"]
    assert (account["email"], account["time_zone"], account["day_start"]) == (
        who.email,
        "Pacific/Auckland",
        3,
    )
    assert account["addresses"] == [{"email": who.email, "verified": True, "primary": True}]
    assert "password" not in json.dumps(data)


def test_a_card_comes_with_its_state_note_and_log():
    who, card = making.learner(), making.card()
    making.answered(who, card, 4, 2)
    notes.save(who, card.pk, "Mind the $x$.", "")
    (found,) = exported(who)["cards"]
    assert (found["key"], found["topic"]) == (card.key, card.topic.key)
    assert (found["deck"], found["question"]) == (card.topic.deck.key, card.question)
    assert found["note"] == "Mind the $x$."
    assert found["state"]["due_on"] == str(day(3))
    assert [(row["sequence"], row["grade"], row["study_day"]) for row in found["log"]] == [
        (1, 4, str(day(1))),
        (2, 2, str(day(2))),
    ]
    assert str(UUID(found["log"][0]["submission"])) == found["log"][0]["submission"]


def test_a_card_with_a_note_alone_is_there_too():
    who, card = making.learner(), making.card()
    notes.save(who, card.pk, "Later.", "")
    (found,) = exported(who)["cards"]
    assert (found["state"], found["note"], found["log"]) == (None, "Later.", [])


def test_retired_cards_are_there_and_other_learners_are_not():
    who, other, cards = making.learner(), making.learner(), making.deck(3)
    making.answered(who, cards[0], 4)
    making.answered(other, cards[1], 4)
    notes.save(other, cards[0].pk, "Not yours.", "")
    Card.objects.update(retired=True)
    (found,) = exported(who)["cards"]
    assert (found["key"], found["note"], len(found["log"])) == (cards[0].key, None, 1)


def test_interviews_study_days_and_the_sizes_of_topics_are_there():
    who, cards = making.learner(), making.deck(12)
    making.answered(who, cards[0], 4, 2)
    interview = Interview.objects.create(learner=who, company="Acme", role="MLOps engineer", on=day(40))
    InterviewTopic.objects.create(interview=interview, topic=cards[0].topic, weight=3)
    Interview.objects.create(learner=making.learner(), company="Not yours", on=day(40))
    Card.objects.filter(pk=cards[11].pk).update(retired=True)
    data = exported(who)
    assert data["interviews"] == [
        {"company": "Acme", "role": "MLOps engineer", "on": str(day(40)), "weights": {cards[0].topic.key: 3}}
    ]
    assert [(row["day"], row["answers"], row["tested"], row["recalled"]) for row in data["days"]] == [
        (str(day(1)), 1, 0, 0),
        (str(day(2)), 1, 1, 0),
    ]
    assert [row["cards"] for row in data["topics"]] == [10, 1]


def test_what_mails_are_wanted_and_every_mail_is_there_and_no_other_learners():
    who, other = making.learner(reminders=True, remind_at=17, remind_days=0b11), making.learner()
    for learner, number in ((who, 1), (who, 2), (other, 1)):
        message_id = f"<daily-{number}-{learner.pk}@localhost>"
        times = {"expires_at": at(number + 1), "next_try_at": at(number)}
        Reminder.objects.create(
            learner=learner, kind="daily", intended_on=day(number), message_id=message_id, **times
        )
    data = exported(who)
    account = data["account"]
    assert (account["reminders"], account["remind_at"], account["remind_days"]) == (True, 17, 3)
    assert [(row["intended_on"], row["state"], row["message_id"]) for row in data["mails"]] == [
        (str(day(1)), "due", f"<daily-1-{who.pk}@localhost>"),
        (str(day(2)), "due", f"<daily-2-{who.pk}@localhost>"),
    ]


def test_instants_keep_their_microseconds():
    who, card = making.learner(), making.card()
    now = at(1) + timedelta(microseconds=7)
    making.graded(who, card, 4, now)
    (found,) = exported(who)["cards"]
    assert datetime.fromisoformat(found["log"][0]["at"]) == now
    assert datetime.fromisoformat(found["state"]["last_answered_at"]) == now


def test_the_order_is_the_same_each_time():
    who = making.learner()
    cards = making.deck(45)
    for card in reversed(cards):
        making.answered(who, card, 4)
    first = exported(who)
    assert [card["key"] for card in first["cards"]] == [card.key for card in cards]
    assert exported(who) == first


MOVES = ("set_due", "plan", "import")


def folded(log):
    """Return the schedule that follows from an exported log, by the pure core alone."""
    return schedule.fold(
        Event(
            sequence=row["sequence"],
            kind=Kind(row["kind"]),
            at=datetime.fromisoformat(row["at"]),
            study_day=date.fromisoformat(row["study_day"]),
            grade=row["grade"],
            due_on=date.fromisoformat(row["due_on"]) if row["kind"] in MOVES else None,
            state=sm2.State(*(row[name] for name in sm2.State._fields)) if row["kind"] == "import" else None,
            undoes=row["undoes"],
        )
        for row in log
    )


def test_every_due_day_can_be_worked_out_from_the_log():
    who, (plain, moved, missed) = making.learner(), making.deck(3)
    making.answered(who, plain, 4, 4, 5, 3)
    making.answered(who, moved, 4, 4)
    reviewing.set_due(who, moved.pk, 2, day(60), at(3))
    making.answered(who, missed, 4, 2)
    making.graded(who, missed, 4, at(2, 13))
    latest = reviewing.latest_standing(who, day(2))
    assert latest
    reviewing.undo(who, latest.pk, at(2, 14))
    for card in exported(who)["cards"]:
        again = folded(card["log"])
        assert str(again.due_on) == card["state"]["due_on"]
        assert again.state == tuple(card["state"][name] for name in sm2.State._fields)


def test_an_answer_given_during_the_export_is_left_out_whole(monkeypatch):
    who, card = making.learner(), making.card()
    making.answered(who, card, 4)
    logs = exporting._logs

    def interrupted(states):
        making.graded(who, card, 4, at(2))
        return logs(states)

    monkeypatch.setattr(exporting, "_logs", interrupted)
    (found,) = exported(who)["cards"]
    assert (found["state"]["version"], len(found["log"])) == (1, 1)


def long_history(who, cards, events):
    """Store `events` practice answers on each card, which change nothing, straight into the log."""
    for card in cards:
        state = making.answered(who, card, 4)
        first = state.log.get()
        rows = []
        for sequence in range(2, events + 1):
            row = ReviewLog(
                **{name: getattr(first, name) for name in exporting.EVENT}, learner=who, state=state
            )
            row.sequence, row.kind, row.submission, row.interval_before = sequence, "practice", None, 1
            rows.append(row)
        ReviewLog.objects.bulk_create(rows)
        ReviewState.objects.filter(pk=state.pk).update(version=events)


def test_twenty_thousand_events_stream_in_bounded_memory(django_assert_max_num_queries):
    who = making.learner()
    long_history(who, making.deck(200), 100)
    tracemalloc.start()
    with django_assert_max_num_queries(4 * (20_000 // exporting.EVENTS) + 10):
        length = sum(len(piece) for piece in exporting.export(who, at(30)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length > 5_000_000
    assert peak < 12_000_000


def test_each_card_is_there_once_where_states_and_notes_are_more_than_a_portion():
    who, cards = making.learner(), making.deck(290)
    states = [ReviewState(learner=who, card=card) for card in cards if card.pk % 4]
    Note.objects.bulk_create(Note(learner=who, card=card, text="Mine.") for card in cards if not card.pk % 3)
    ReviewState.objects.bulk_create(states)
    assert len(states) > exporting.CARDS
    there = exported(who)["cards"]
    assert [card["key"] for card in there] == [card.key for card in cards if card.pk % 4 or not card.pk % 3]
    assert sum(card["note"] is not None for card in there) > exporting.NOTES
    assert sum(card["state"] is not None for card in there) == len(states)


def test_a_third_download_at_once_waits_and_pages_go_on(client):
    client.force_login(making.learner())
    first, second = client.get(reverse("export")), client.get(reverse("export"))
    refused = client.get(reverse("export"), follow=True)
    assert refused.redirect_chain == [("/settings/", 303)]
    assert "Others are downloading" in refused.content.decode()
    first.getvalue()  # has come to its end
    again = client.get(reverse("export"))
    assert again.status_code == 200
    for response in (again, second):  # broken off: what response.close() does, but for the database's end
        for close in response._resource_closers:
            close()
    assert json.loads(client.get(reverse("export")).getvalue())["cards"] == []


def test_asking_about_the_download_alone_reads_no_card(client):
    client.force_login(making.learner())
    with CaptureQueriesContext(connection) as captured:
        for _ in range(3):
            assert client.head(reverse("export")).headers["Content-Type"] == "application/json"
    assert not any("flashcards_" in query["sql"] for query in captured)


def test_the_page_is_a_download(client):
    who, card = making.learner(), making.card()
    making.answered(who, card, 4)
    client.force_login(who)
    response = client.get(reverse("export"))
    assert response.streaming
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="engram-20')
    assert "no-store" in response.headers["Cache-Control"]
    assert json.loads(response.getvalue())["cards"][0]["key"] == card.key


def test_the_page_asks_visitors_to_log_in_and_takes_no_post(client):
    assert client.get(reverse("export")).status_code == 302
    client.force_login(making.learner())
    assert client.post(reverse("export")).status_code == 405
