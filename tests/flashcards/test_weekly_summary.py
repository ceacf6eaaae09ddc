"""What the weekly summary says: its figures by hand, and again from the export of a random history."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from flashcards import interviews, readiness, reviewing
from flashcards.interviews import Wanted
from flashcards.models import DayStat, Interview, InterviewTopic
from flashcards.reminders import links, past_week
from flashcards.reminders.past_week import DayLoad, Summary
from flashcards.reminders.weekly import weekly
from flashcards.reminders.writing import Written
from flashcards.scheduling import memory
from tests.flashcards.test_figures_from_export import START, Studying, export_of
from tests.independent import recomputed
from tests.making import answered, at, day, deck, graded, learner, proven, scheduled
from tests.visiting import cells_of, words_of

pytestmark = pytest.mark.django_db

MONDAY = day(15)  # day 1 is a Monday: the week summed up goes from day 8 to day 14
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _address(settings):
    settings.BASE_URL = "https://engram.example"


def summed_up(who: User, today: date = MONDAY) -> Summary:
    found = past_week.summary(who, today)
    assert found
    return found


def mail(who: User, today: date = MONDAY) -> Written:
    found = weekly(who, today)
    assert found
    return found


def said_in(written: Written) -> str:
    return " ".join(written.text.split())


def reviews_on(who: User, on: date, recalled: int, of: int) -> None:
    """Store a day's counts, without answers behind them but one."""
    DayStat.objects.update_or_create(
        learner=who, day=on, defaults={"answers": of, "tested": of, "recalled": recalled}
    )


def test_the_week_goes_from_monday_to_sunday():
    who, cards = learner(), deck(6)
    for number, what in zip((7, 8, 10, 10, 14, 15), cards, strict=True):
        graded(who, what, 4, at(number))
    week = summed_up(who).week
    assert (week.first, week.last) == (day(8), day(14))
    assert (week.days_studied, week.answers, week.cards, week.started) == (3, 4, 4, 4)
    written = mail(who)
    assert written.subject == "Your week: 4 cards"
    assert "Your week, 9 to 15 March" in said_in(written)
    assert "You studied on 3 of 7 days and gave 4 answers to 4 cards, 4 of them new." in said_in(written)


def test_without_an_answer_in_the_week_there_is_no_summary():
    who, (before, after, undone) = learner(), deck(3)
    graded(who, before, 4, at(7))
    graded(who, after, 4, at(15))
    row = graded(who, undone, 4, at(9))
    reviewing.undo(who, row.pk, at(9))
    assert weekly(who, MONDAY) is None
    assert weekly(learner(), MONDAY) is None


@pytest.mark.parametrize("number", [14, 15, 16, 20])
def test_it_is_the_latest_week_that_is_over_or_ends_today(number):
    who, what = learner(), deck(1)[0]
    graded(who, what, 4, at(8))
    assert summed_up(who, day(number)).week.first == day(8)
    assert weekly(who, day(number + 7)) is None


def test_a_card_is_counted_once_and_a_new_one_as_new():
    who, (old, fresh, undone) = learner(), deck(3)
    graded(who, old, 2, at(7))  # comes again the day after
    graded(who, old, 2, at(8))
    graded(who, old, 4, at(8, 13))  # a drill
    graded(who, fresh, 4, at(9))
    row = graded(who, undone, 4, at(10))
    reviewing.undo(who, row.pk, at(10))
    week = summed_up(who).week
    assert (week.answers, week.cards, week.started) == (3, 2, 1)
    assert (week.rate.recalled, week.rate.tested) == (0, 1)


@pytest.mark.parametrize(
    ("recalled", "of", "subject", "said"),
    [
        (
            82,
            100,
            "Your week: 1 card, 82% recalled",
            "Of 100 reviews, you recalled 82 at the first try: 82%.",
        ),
        (0, 20, "Your week: 1 card, 0% recalled", "Of 20 reviews, you recalled 0 at the first try: 0%."),
        (18, 19, "Your week: 1 card", "Of 19 reviews, you recalled 18 at the first try, too few for a rate."),
        (1, 1, "Your week: 1 card", "Of 1 review, you recalled 1 at the first try, too few for a rate."),
    ],
)
def test_a_rate_needs_twenty_reviews(recalled, of, subject, said):
    who, what = learner(), deck(1)[0]
    graded(who, what, 4, at(8))
    reviews_on(who, day(9), recalled, of)
    written = mail(who)
    assert written.subject == subject
    assert said in said_in(written)


def test_of_new_cards_alone_nothing_is_said_about_recalling():
    who, what = learner(), deck(1)[0]
    graded(who, what, 4, at(8))
    assert "first try" not in mail(who).text


def test_readiness_then_counts_only_what_was_answered_before_the_week():
    who, (before, again, fresh, _) = learner(), deck(4)
    answered(who, before, 4, since=3)
    answered(who, again, 4, since=7)
    first = memory.after(None, 4, day(7))
    graded(who, again, 4, at(13))
    graded(who, fresh, 5, at(14))
    ready = summed_up(who).ready
    on = MONDAY + 2 * WEEK
    untouched = memory.recall(memory.after(None, 4, day(3)), on)
    assert (ready.on, ready.of) == (on, 4)
    assert ready.then == pytest.approx(untouched + memory.recall(first, on))
    assert ready.now == pytest.approx(
        untouched
        + memory.recall(memory.after(first, 4, day(13)), on)
        + memory.recall(memory.after(None, 5, day(14)), on)
    )
    said = f"in two weeks. If you had stopped before 9 March, it would be about {round(ready.then)}."
    assert f"about {round(ready.now)} of 4 cards on 30 March, {said}" in said_in(mail(who))


def test_what_the_week_took_away_was_there_before():
    who, (reset, undone, put_away, other) = learner(), deck(4)
    for what in (reset, undone, put_away):
        answered(who, what, 4, since=7)
    graded(who, other, 4, at(9))
    reviewing.reset(who, reset.pk, 1, at(10))
    row = graded(who, undone, 2, at(10))
    reviewing.undo(who, row.pk, at(10))
    reviewing.suspend(who, put_away.pk, at(11))
    ready = summed_up(who).ready
    alone = memory.recall(memory.after(None, 4, day(7)), ready.on)
    assert ready.of == 3
    assert ready.then == pytest.approx(2 * alone)
    assert ready.now == pytest.approx(alone + memory.recall(memory.after(None, 4, day(9)), ready.on))


def test_topics_weigh_then_as_they_weigh_now():
    who, cards = learner(), deck(20)
    made = Interview.objects.create(learner=who, company="Acme", on=day(40))
    for what, weight in ((cards[0], 3), (cards[19], 0)):
        InterviewTopic.objects.create(interview=made, topic=what.topic, weight=weight)
    extra = deck(10)
    for what in (cards[0], cards[19], extra[0]):
        answered(who, what, 4, since=7)
        graded(who, what, 4, at(13))
    ready = summed_up(who).ready
    alone = memory.recall(memory.after(None, 4, day(7)), day(40))
    assert ready.of == 20
    assert ready.then == pytest.approx((3 * alone + alone) * 20 / 40)
    assert "the day of your interview" in said_in(mail(who))


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([0], "Your interview is today."),
        ([1], "Your interview is tomorrow."),
        ([9, 9], "Your interview is in 9 days."),
        ([9, 12], "Your next interview is in 9 days; the one after it is on 28 March."),
        (
            [9, 12, 300, 400],
            "Your next interview is in 9 days; the ones after it are on 28 March and 10 January 2027.",
        ),
    ],
)
def test_it_says_when_the_interviews_are(days, said):
    who, what = learner(), deck(1)[0]
    graded(who, what, 4, at(8))
    for ahead in [*days, -1]:
        Interview.objects.create(learner=who, company="Acme", on=MONDAY + timedelta(days=ahead))
    assert said in said_in(mail(who))


def test_without_an_interview_it_says_nothing_of_one():
    who, what = learner(), deck(1)[0]
    graded(who, what, 4, at(8))
    assert "nterview" not in mail(who).text


def test_the_next_seven_days_are_those_of_the_dashboard():
    who, cards = learner(new_cards_per_day=2), deck(40)
    graded(who, cards[0], 4, at(14))
    for place, what in enumerate(cards[1:25]):
        scheduled(who, what, MONDAY + timedelta(days=place % 10 - 1))
    lead = readiness.leading(who, MONDAY)
    ahead = readiness.ahead(who, lead, MONDAY, readiness.readiness(who, lead, MONDAY))
    load = summed_up(who).load
    expected = [
        DayLoad(each.day, each.scheduled, round(each.scheduled + each.extra)) for each in ahead.days[:7]
    ]
    assert list(load.days) == expected
    assert load.late == ahead.late == 3
    assert load.total == 3 + sum(each.expected for each in expected)
    written = mail(who)
    assert f"About {load.total} cards in all, new ones and repeats included, 3 late." in said_in(written)
    rows = cells_of(written.html[written.html.index("<tbody>") :])[:7]
    assert rows[0] == ["Mon 16 March", str(load.days[0].scheduled), str(load.days[0].expected)]
    for row in rows:
        assert " ".join(row) in said_in(written)


@pytest.mark.parametrize(("ahead", "days"), [(0, 1), (3, 4), (5, 6), (6, 7), (9, 7)])
def test_the_load_ends_on_the_day_of_the_interview(ahead, days):
    who, what = learner(), deck(1)[0]
    graded(who, what, 4, at(8))
    interviews.add(who, Wanted("Acme", MONDAY + timedelta(days=ahead)), at(15))
    assert len(summed_up(who).load.days) == days
    heading = "The next 7 days" if days == 7 else "Until your interview"
    assert f" {heading} About" in said_in(mail(who))


def test_it_says_why_it_comes_and_has_links_of_its_own():
    who, what = learner(time_zone="Asia/Tokyo", remind_at=41, weekly_summary=True), deck(1)[0]
    graded(who, what, 4, at(8))
    written = mail(who)
    assert (
        "You get this on Mondays at 20:30 Tokyo time when you answered anything in the week before, "
        "because you turned the weekly summary on."
    ) in said_in(written)
    lines = written.text.splitlines()
    stop = links.unsubscribe_url(who.pk, "weekly")
    assert lines[lines.index("Stop these mails:") + 1] == stop
    assert stop in written.html
    assert f"{links.snooze_url(who.pk)}?for=week" in lines
    assert "https://engram.example/dashboard/" in lines
    assert links.unsubscribe_url(who.pk, "daily") not in written.text + written.html


def test_both_parts_say_the_same_in_few_bytes():
    who, cards = learner(), deck(12)
    for place, what in enumerate(cards):
        answered(who, what, 4, since=2 + place)
    interviews.add(who, Wanted("Acme", day(33)), at(15))
    written = mail(who)
    seen = words_of(written.html).replace(" ", "")
    for paragraph in written.text.split("\n--\n")[0].split("\n\n")[1:-2]:
        assert "".join(paragraph.split()) in seen
    assert len(written.html.encode()) < 12_000
    assert all(len(line) <= 78 or "://" in line for line in written.text.splitlines())
    assert "\n\n\n" not in written.text


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_figure_follows_from_the_export(seed):
    studying = Studying(seed)
    while studying.now < START + timedelta(days=70):
        studying.day(9)
        hour = studying.chance.randrange(24)
        studying.now = (studying.now + timedelta(days=studying.chance.choice([1, 1, 2]))).replace(hour=hour)
    who, now = studying.who, studying.now
    today = studying.today
    Interview.objects.create(learner=who, company="Acme", on=today + timedelta(days=20))
    found, export = summed_up(who, today), export_of(who, now)
    first = found.week.first
    assert first.weekday() == 0
    assert first <= today - timedelta(days=6) < first + WEEK
    check_the_week(found, export)
    then = {card["key"]: recomputed.standing(until(card["log"], first)) for card in export["cards"]}
    recalled, of, _ = recomputed.readiness(export, then, today + timedelta(days=20))["ready"]
    assert found.ready.then == pytest.approx(recalled)
    assert found.ready.of == of
    assert found.ready.now != pytest.approx(recalled, rel=0.01)
    proven(who)


def until(log: list[dict[str, Any]], first: date) -> list[dict[str, Any]]:
    return [event for event in log if recomputed.on(event["study_day"]) < first]


def check_the_week(found: Summary, export: dict[str, Any]) -> None:
    week = found.week
    kept = {card["key"]: recomputed.standing(card["log"]) for card in export["cards"]}
    given = [
        (key, event)
        for key, events in kept.items()
        for event in events
        if event["grade"] is not None and week.first <= recomputed.on(event["study_day"]) <= week.last
    ]
    assert week.answers == len(given) > 10
    assert week.days_studied == len({event["study_day"] for _, event in given})
    assert week.cards == len({key for key, _ in given})
    assert week.started == len(
        {key for key, event in given if event["kind"] == "review" and event["interval_before"] == 0}
    )
    firsts = [event for events in kept.values() for event in recomputed.firsts(events)]
    assert (week.rate.recalled, week.rate.tested) == recomputed.rate(
        firsts, since=week.first, until=week.last
    )


@pytest.mark.parametrize("cards", [3, 2_000])
def test_ten_statements_are_enough(cards):
    who, made = learner(), deck(cards)
    for what in made[:3]:
        answered(who, what, 4, since=7)
        graded(who, what, 4, at(13))
    known = {"stability": 9.0, "difficulty": 5.0, "remembered_on": day(5)}
    for place, what in enumerate(made[3:]):
        scheduled(who, what, MONDAY + timedelta(days=place % 30), **known)
    with CaptureQueriesContext(connection) as captured:
        mail(who)
    assert len(captured) == 10
