"""A planned break: what would fall inside comes after it, and cancelling puts every card back on its day."""

from datetime import date
from functools import partial
from uuid import uuid4

import pytest

from accounts.models import User
from flashcards import breaks, catching_up, history, planning, queue, reviewing, rollup
from flashcards.breaks import Break, Cancelled
from flashcards.models import Card, DayStat, Interview, ReviewLog, ReviewState
from flashcards.recording import Refused
from tests.flashcards.test_concurrency import at_once
from tests.making import at, day, deck, graded, learner, proven, state
from tests.visiting import client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db

ROUNDS = 6


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(at(3), tick=False)
    return time_machine


def studying(cards: int = 12) -> tuple[User, list[Card]]:
    """Return a learner whose cards are due on days 3 to 14, one a day; day 3 is today in these tests."""
    who, made = learner(new_cards_per_day=0), deck(cards)
    for n, what in enumerate(made):
        graded(who, what, 4, at(1))
        reviewing.set_due(who, what.pk, 1, day(3 + n % 12), at(2))
    return who, made


def due_days(who: User) -> dict[int, date | None]:
    return dict(ReviewState.objects.filter(learner=who).order_by("card").values_list("card", "due_on"))


def break_days(who: User) -> tuple[date | None, date | None]:
    found: tuple[date | None, date | None] = User.objects.values_list("break_from", "break_until").get(
        pk=who.pk
    )
    return found


def interview(who: User, on: int, company: str = "Acme") -> None:
    Interview.objects.create(learner=who, company=company, on=day(on))
    planning.replan(who, day(3), at(3))


def test_what_falls_into_the_break_comes_in_the_week_after_it_and_the_rest_stays():
    who, made = studying()
    before = due_days(who)
    planned = breaks.plan(who, day(5), day(9), at(3))
    assert planned == Break(day(5), day(9), 5, *span(who, made[2:7]))
    for what in made[2:7]:
        moved = state(who, what)
        assert moved.own_due_on == before[what.pk]
        assert moved.due_on is not None
        assert day(10) <= moved.due_on <= day(16)
    for what in (*made[:2], *made[7:]):
        assert due_days(who)[what.pk] == before[what.pk]
    proven(who)


def span(who: User, cards: list[Card]) -> tuple[date, date]:
    on = [due_on for what in cards if (due_on := due_days(who)[what.pk])]
    return min(on), max(on)


def test_no_card_is_due_in_a_break():
    who, _ = studying()
    breaks.plan(who, day(5), day(9), at(3))
    assert not {day(n) for n in range(5, 10)} & set(due_days(who).values())


def test_cancelling_restores_every_due_day_exactly():
    who, _ = studying()
    before = [history.schedule_of(held) for held in ReviewState.objects.filter(learner=who).order_by("pk")]
    breaks.plan(who, day(3), day(9), at(3))
    assert breaks.cancel(who, at(3, 13)) == Cancelled(back=7, kept=0)
    after = [history.schedule_of(held) for held in ReviewState.objects.filter(learner=who).order_by("pk")]
    assert after == before
    assert break_days(who) == (None, None)
    proven(who)


def test_with_an_interview_cancelling_restores_the_days_that_it_wants():
    who, _ = studying()
    interview(who, 20)
    before = due_days(who)
    breaks.plan(who, day(5), day(9), at(3))
    breaks.cancel(who, at(4))
    assert due_days(who) == before
    proven(who)


def test_nothing_moves_past_the_interview():
    who, _ = studying()
    interview(who, 12)
    planned = breaks.plan(who, day(5), day(9), at(3))
    assert planned is not None
    assert planned.back_until is not None
    assert planned.back_until < day(12)
    assert all(due_on < day(12) for due_on in due_days(who).values() if due_on)
    proven(who)


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (7, "on 8 March falls inside this break"),
        (10, "on 11 March is on the day right after this break"),
        (5, "on 6 March falls inside this break"),
    ],
)
def test_a_break_that_leaves_no_day_before_the_interview_is_refused_with_the_date_and_a_way_out(on, said):
    who, _ = studying()
    interview(who, on)
    before = due_days(who)
    with pytest.raises(Refused, match=said) as refused:
        breaks.plan(who, day(5), day(9), at(3))
    assert "at Acme" in str(refused.value)
    way_out = (
        "Begin the break after the interview."
        if on == 5
        else f"Let the break end by {on - 1} March, or begin"
    )
    assert way_out in str(refused.value)
    assert (break_days(who), due_days(who)) == ((None, None), before)


@pytest.mark.parametrize("on", [4, 11, 30])
def test_an_interview_before_the_break_or_two_days_after_it_and_later_is_no_obstacle(on):
    who, _ = studying()
    interview(who, on)
    assert breaks.plan(who, day(5), day(9), at(3)) is not None
    proven(who)


def test_only_the_next_interview_leads():
    who, _ = studying()
    interview(who, 4)
    interview(who, 7, "Later")
    assert breaks.plan(who, day(5), day(9), at(3)) is not None


def test_a_second_break_replaces_the_first_as_if_that_had_never_been():
    who, _ = studying()
    breaks.plan(who, day(5), day(9), at(3))
    breaks.plan(who, day(12), day(13), at(3))
    twin, cards = studying()
    breaks.plan(twin, day(12), day(13), at(3))
    assert break_days(who) == (day(12), day(13))
    assert list(due_days(who).values()) == list(due_days(twin).values())
    breaks.cancel(who, at(3))
    assert list(due_days(who).values()) == [day(3 + n) for n in range(len(cards))]
    proven(who)


def test_a_break_that_is_on_keeps_its_first_day_when_it_is_made_longer_or_shorter():
    who, _ = studying()
    breaks.plan(who, day(3), day(9), at(3))
    for first, last in ((day(3), day(12)), (day(5), day(6)), (day(7), day(8))):
        breaks.plan(who, first, last, at(5))
        assert break_days(who) == (day(3), last)
    breaks.plan(who, day(10), day(11), at(5))
    assert break_days(who) == (day(10), day(11))
    proven(who)


def test_ending_a_break_that_is_on_keeps_the_days_that_it_has_had():
    who, made = studying()
    breaks.plan(who, day(3), day(9), at(3))
    assert breaks.cancel(who, at(6)) == Cancelled(back=4, kept=3)
    assert break_days(who) == (day(3), day(5))
    assert [due_days(who)[what.pk] for what in made[3:7]] == [day(6), day(7), day(8), day(9)]
    assert not breaks.on_break(who, day(6))
    assert breaks.cancel(who, at(6)) is None
    proven(who)


def test_the_days_of_a_break_are_its_first_and_last_and_those_between():
    who, _ = studying()
    breaks.plan(who, day(5), day(9), at(3))
    assert [breaks.on_break(who, day(n)) for n in (4, 5, 9, 10)] == [False, True, True, False]
    assert not breaks.on_break(learner(), day(5))
    assert breaks.coming(who, day(9)) is not None
    assert breaks.coming(who, day(10)) is None


def test_without_cards_a_break_is_only_its_days():
    who = learner()
    assert breaks.plan(who, day(5), day(9), at(3)) == Break(day(5), day(9), 0, None, None)
    assert breaks.cancel(who, at(3)) == Cancelled(0, 0)
    assert breaks.cancel(who, at(3)) is None


def test_a_break_does_not_interrupt_the_streak():
    who, _ = studying()
    breaks.plan(who, day(2), day(9), at(2))
    assert rollup.unbroken(who, day(10))


def test_a_break_that_is_ended_early_does_not_interrupt_the_streak():
    who, _ = studying()
    breaks.plan(who, day(2), day(9), at(2))
    breaks.cancel(who, at(6))
    assert rollup.unbroken(who, day(6))
    assert DayStat.objects.get(learner=who, day=day(6)).unbroken


def test_a_break_that_is_over_is_remembered_until_the_next_one_replaces_it():
    who, _ = studying()
    breaks.plan(who, day(2), day(9), at(2))
    assert breaks.cancel(who, at(10)) is None
    assert break_days(who) == (day(2), day(9))
    breaks.plan(who, day(20), day(21), at(10))
    assert DayStat.objects.get(learner=who, day=day(10)).unbroken
    assert break_days(who) == (day(20), day(21))


def test_an_answer_given_in_a_break_is_next_due_after_it():
    who, made = studying()
    breaks.plan(who, day(3), day(9), at(3))
    graded(who, made[11], 2, at(4))
    held = state(who, made[11])
    assert held.own_due_on == day(5)
    assert held.due_on is not None
    assert day(10) <= held.due_on <= day(16)
    proven(who)


def test_suspended_cards_and_those_of_others_stay_where_they_are():
    who, made = studying()
    other, others_cards = studying()
    reviewing.suspend(who, made[4].pk, at(3))
    before = due_days(other)
    breaks.plan(who, day(5), day(9), at(3))
    assert due_days(who)[made[4].pk] == day(7)
    assert due_days(other) == before
    assert len(others_cards) == len(before)
    assert break_days(other) == (None, None)


def sent(first: object, last: object) -> dict[str, str]:
    return {"break_from": str(first), "break_until": str(last)}


def test_the_page_plans_a_break_and_says_what_moves_to_which_week(clock):
    who, made = studying()
    client = client_of(who)
    response = client.post("/break/", sent(day(5), day(9)), follow=True)
    assert response.redirect_chain == [("/break/", 303)]
    words = words_of(html_of(response))
    first, last = span(who, made[2:7])
    assert "Your break is planned." in words
    assert "Friday 6 March to Tuesday 10 March" in words
    assert "Your break begins on 6 March and is over after 10 March." in words
    week = f"from {first.day} March to {last.day} March"
    assert f"5 cards that would come in it come in the week after instead, {week}." in words
    assert 'value="2026-03-06"' in html_of(response)
    assert "Change the break" in words


def test_the_page_without_anything_planned_is_an_empty_form(clock):
    html = html_of(client_of(learner()).get("/break/"))
    assert "Plan a break" in html
    assert "Cancel the break" not in html
    field = html.split('name="break_from"')[1].split(">")[0]
    assert 'min="2026-03-04"' in field
    assert 'max="2027-03-04"' in field


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("", "", "Choose the first day."),
        ("2026-03-05", "", "Choose the last day."),
        ("soon", "2026-03-09", "Choose the first day as a date, such as 2026-12-31."),
        ("2026-02-30", "2026-03-09", "Choose the first day as a date, such as 2026-12-31."),
        ("2026-03-03", "2026-03-09", "A break can’t begin in the past: choose today or a later day."),
        ("2026-03-09", "2026-03-08", "The last day comes before the first: choose 9 March or a later day."),
        ("2026-03-05", "2026-03-01", "The last day is over already: choose today or a later day."),
        ("2026-03-05", "2026-05-04", "A break has at most 60 days, and this one would have 61."),
        ("2027-03-05", "2027-03-06", "Choose a first day within a year from today."),
        ("9999-12-30", "9999-12-31", "Choose a first day within a year from today."),
        ("2026-03-05", "9999-12-31", "Choose a last day until 3 May 2026."),
    ],
)
def test_each_mistake_is_a_sentence_and_what_was_typed_stays(clock, first, last, sentence):
    who, _ = studying()
    before = due_days(who)
    response = client_of(who).post("/break/", sent(first, last))
    html = html_of(response)
    assert response.status_code == 422
    assert sentence in html
    assert "<title>Error: Break" in html
    assert f'value="{first}"' in html or not first
    assert f'value="{last}"' in html or not last
    assert (break_days(who), due_days(who)) == ((None, None), before)


def test_sixty_days_and_a_single_one_are_breaks(clock):
    for last in ("2026-03-05", "2026-05-03"):
        who = learner()
        assert client_of(who).post("/break/", sent("2026-03-05", last)).status_code == 303
        assert break_days(who) == (day(4), date.fromisoformat(last))


def test_an_interview_in_the_way_is_said_beside_what_was_typed(clock):
    who, _ = studying()
    interview(who, 7, "<b>Acme</b>")
    response = client_of(who).post("/break/", sent(day(5), day(9)))
    html = html_of(response)
    assert response.status_code == 422
    assert "Your interview at &lt;b&gt;Acme&lt;/b&gt; on 8 March falls inside this break" in html
    assert 'value="2026-03-06"' in html


def test_a_break_that_is_on_can_be_sent_again_with_its_first_day(clock):
    who, _ = studying()
    breaks.plan(who, day(1), day(9), at(1))
    assert client_of(who).post("/break/", sent(day(1), day(12))).status_code == 303
    assert break_days(who) == (day(1), day(12))
    response = client_of(who).post("/break/", sent(day(3), date(2026, 5, 1)))
    assert "A break has at most 60 days, and this one would have 61." in html_of(response)


def test_cancelling_by_the_page_says_what_came_back(clock):
    who, _ = studying()
    breaks.plan(who, day(5), day(9), at(3))
    client = client_of(who)
    words = words_of(html_of(client.post("/break/cancel/", follow=True)))
    assert "Your break is cancelled. 5 cards are back on their own days." in words
    assert "There’s no break to cancel." in html_of(client.post("/break/cancel/", follow=True))
    assert client.get("/break/cancel/").status_code == 405


def test_ending_a_break_early_says_which_cards_come_later(clock):
    who, _ = studying()
    breaks.plan(who, day(3), day(9), at(3))
    clock.move_to(at(6), tick=False)
    response = client_of(who).post("/break/cancel/", {"next": "/today/"}, follow=True)
    words = words_of(html_of(response))
    assert response.redirect_chain == [("/today/", 303)]
    assert "Your break has ended. 4 cards are back on their own days." in words
    assert "3 cards whose own day has passed keep their new one." in words


def test_today_in_a_break_says_until_when_and_asks_nothing(clock):
    who, _ = studying()
    assert "Plan a break" in html_of(client_of(who).get("/today/"))
    breaks.plan(who, day(3), day(9), at(3))
    html = html_of(client_of(who).get("/today/"))
    assert "You’re on a break until 10 March. Nothing is due unless you want it." in html
    assert 'action="/break/cancel/"' in html
    assert "Plan a break" not in html
    assert "Nothing due until tomorrow" not in html


def test_today_in_a_break_still_leads_to_what_waits(clock):
    who, made = studying()
    breaks.plan(who, day(4), day(9), at(3))
    assert queue.counts(who, day(4)).left == 1
    clock.move_to(at(4), tick=False)
    assert "Review 1 card" in words_of(html_of(client_of(who).get("/today/")))
    assert len(made) == 12


def test_today_before_a_break_says_when_it_is(clock):
    who, _ = studying()
    breaks.plan(who, day(5), day(9), at(3))
    words = words_of(html_of(client_of(who).get("/today/")))
    assert "Your break: 6 March to 10 March. Change or cancel it" in words
    assert "You’re on a break" not in words


def test_the_page_takes_as_many_statements_with_many_cards_as_with_few(clock):
    counted = []
    for cards in (3, 60):
        who, _ = studying(cards)
        breaks.plan(who, day(5), day(9), at(3))
        counted.append(statements(client_of(who), "/break/"))
    assert counted[0] == counted[1] <= 6


@pytest.mark.django_db(transaction=True)
def test_a_break_and_answers_at_once_leave_no_card_in_the_break():
    for _ in range(ROUNDS):
        who, made = studying(8)
        planned = partial(breaks.plan, same(who), day(4), day(9), at(3))
        answers = [partial(graded, same(who), what, 2 + n % 3, at(3)) for n, what in enumerate(made[:6])]
        replies = at_once([planned, *answers])
        assert isinstance(replies[0], Break)
        assert not {day(n) for n in range(4, 10)} & set(due_days(who).values())
        proven(who)


@pytest.mark.django_db(transaction=True)
def test_a_break_and_a_spreading_at_once_leave_no_card_in_the_break():
    for _ in range(ROUNDS):
        who, _ = studying(8)
        planned = partial(breaks.plan, same(who), day(9), day(10), at(8))
        spread = partial(catching_up.spread, same(who), 5, uuid4(), at(8))
        at_once([planned, spread])
        assert not {day(9), day(10)} & set(due_days(who).values())
        proven(who)


@pytest.mark.django_db(transaction=True)
def test_of_two_breaks_planned_at_once_one_is_kept_and_the_cards_follow_it():
    for _ in range(ROUNDS):
        who, _ = studying(8)
        at_once([partial(breaks.plan, same(who), day(first), day(first + 2), at(3)) for first in (4, 8)])
        kept = same(who)
        assert not any(planning.plan_of(kept).in_break(on) for on in due_days(who).values() if on)
        moved = ReviewState.objects.filter(learner=who, own_due_on__isnull=False)
        assert all(planning.plan_of(kept).in_break(held.own_due_on) for held in moved if held.own_due_on)
        proven(who)


def same(who: User) -> User:
    """Return the learner as another request would load them."""
    return User.objects.get(pk=who.pk)


def test_planning_moves_nothing_twice():
    who, _ = studying()
    breaks.plan(who, day(5), day(9), at(3))
    rows = ReviewLog.objects.filter(learner=who).count()
    again = partial(breaks.plan, who, day(5), day(9), at(3))
    assert again() == again()
    assert ReviewLog.objects.filter(learner=who).count() == rows
