"""Cards too many for one transaction are moved in portions, and end where one would have put them."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from itertools import count
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from config.celery import app
from flashcards import breaks, interviews, moving, planning, replaying, reviewing, tasks
from flashcards.interviews import Change, Wanted
from flashcards.models import Card, Interview, ReviewLog, ReviewState, Topic
from flashcards.planning import Moved
from flashcards.scheduling.schedule import Kind
from tests.flashcards.test_concurrency import at_once
from tests.flashcards.waiting import is_waited
from tests.making import answered, at, day, deck, graded, learner, proven, rolled_back
from tests.visiting import HTMX, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db
real_connections = pytest.mark.django_db(transaction=True)

MOST = 3
CARDS = 10
ROUNDS = 3
Days = list[tuple[date | None, date | None]]


@pytest.fixture(autouse=True)
def _few_at_once(settings):
    settings.CARDS_AT_ONCE = MOST


@pytest.fixture
def all_at_once(settings) -> Callable[..., Any]:
    """Return what does something as for a learner whose cards are few enough for one transaction."""

    def do(act: Callable[..., Any], *args: Any) -> Any:
        settings.CARDS_AT_ONCE = 1_000
        try:
            return act(*args)
        finally:
            settings.CARDS_AT_ONCE = MOST

    return do


@pytest.fixture
def noon(time_machine):
    time_machine.move_to(at(10), tick=False)


def twins(cards: int = CARDS) -> tuple[User, User, list[Card]]:
    """Return two learners who have answered the same cards alike; these are due on days 23, 24 and so on."""
    one, two, made = learner(), learner(), deck(cards)
    for n, what in enumerate(made):
        for who in (one, two):
            graded(who, what, 4, at(1))
            reviewing.set_due(who, what.pk, 1, day(23 + n), at(8))
    return one, two, made


def expect(who: User, on: int, now: datetime | None = None) -> Change:
    return interviews.add(who, Wanted("Acme", day(on)), now or at(9))


def delete(who: User) -> Change:
    return interviews.delete(who, Interview.objects.filter(learner=who).latest("pk").pk, at(9))


def settle(who: User, number: int) -> None:
    planning.settle(who, day(number), at(number))


def take_a_break(who: User) -> None:
    breaks.plan(who, day(20), day(30), at(9))


def cancel(who: User) -> None:
    breaks.cancel(who, at(9))


def days_of(who: User) -> Days:
    rows = ReviewState.objects.filter(learner=who).order_by("card")
    return list(rows.values_list("due_on", "own_due_on"))


def moves(who: User) -> int:
    return ReviewLog.objects.filter(learner=who, kind=Kind.PLAN).count()


def finish(who: User, number: int = 9) -> int:
    """Go on until nothing is left to be moved; return how many portions that took."""
    for portions in count():
        same = User.objects.get(pk=who.pk)
        if same.planned_up_to is None:
            who.refresh_from_db()
            return portions
        before = moves(who)
        moving.go_on(same, day(number), at(number))
        assert moves(who) - before <= MOST
    raise AssertionError


def nothing_left_to_plan(who: User, number: int = 9) -> None:
    with rolled_back():
        planning.replan(who, day(number), at(number))
        before = moves(who)
        finish(who, number)
        assert moves(who) == before
    proven(who)


# The same as at once


def after_an_interview(who: User, each: Callable[[User, int], object]) -> None:
    expect(who, 20)
    each(who, 9)


def after_its_end(who: User, each: Callable[[User, int], object]) -> None:
    after_an_interview(who, each)
    settle(who, 21)
    each(who, 21)


def after_its_deletion(who: User, each: Callable[[User, int], object]) -> None:
    after_an_interview(who, each)
    delete(who)
    each(who, 9)


def after_a_break(who: User, each: Callable[[User, int], object]) -> None:
    take_a_break(who)
    each(who, 9)


def after_its_cancelling(who: User, each: Callable[[User, int], object]) -> None:
    after_a_break(who, each)
    cancel(who)
    each(who, 9)


@pytest.mark.parametrize(
    "change", [after_an_interview, after_its_end, after_its_deletion, after_a_break, after_its_cancelling]
)
def test_portions_leave_what_one_transaction_would_have(change, all_at_once):
    who, twin, _ = twins()
    before = days_of(who)
    change(who, finish)
    all_at_once(change, twin, lambda *_: None)
    assert days_of(who) == days_of(twin)
    assert (days_of(who) == before) == (change in {after_its_end, after_its_deletion, after_its_cancelling})
    assert moves(who) == moves(twin) > 0
    proven(who)
    assert replaying.check().differing == 0


def test_as_many_cards_as_one_portion_holds_are_moved_at_once():
    for cards in (MOST - 1, MOST):
        who, _, _ = twins(cards)
        assert expect(who, 20).moved == Moved(ahead=cards, behind=0, back=0)
        assert who.planned_up_to is None
    who, _, _ = twins(MOST + 1)
    assert expect(who, 20).moved == Moved(ahead=MOST, behind=0, back=0, more=True)
    assert User.objects.get(pk=who.pk).planned_up_to is not None


def test_a_portion_looks_at_ten_times_as_many_cards_as_it_moves(django_assert_num_queries):
    who, made = learner(), deck(10 * MOST + 1)
    ReviewState.objects.bulk_create(
        ReviewState(learner=who, card=what, due_on=day(12), interval=3, repetitions=1) for what in made
    )
    assert expect(who, 20).moved == Moved(0, 0, 0, more=True)
    assert moving.progress(who) == moving.Progress(10 * MOST, 10 * MOST + 1)
    assert finish(who) == 1
    ReviewState.objects.filter(card=made[0]).delete()
    assert interviews.add(who, Wanted("Other", day(21)), at(9)).moved == Moved(0, 0, 0)


# Between two portions


def test_a_worker_that_dies_between_two_portions_loses_nothing(all_at_once):
    class Killed(BaseException):
        pass

    def dies() -> None:
        raise Killed

    who, twin, _ = twins()
    expect(who, 20)
    all_at_once(expect, twin, 20)
    for _ in range(2):
        with pytest.raises(Killed):
            moving.work(lambda: at(9), timedelta(seconds=10), dies)
    assert moves(who) == 3 * MOST
    moving.work(lambda: at(9), timedelta(seconds=10), lambda: None)
    assert days_of(who) == days_of(twin)
    assert not moving.waiting().exists()
    proven(who)


def test_a_portion_that_fails_is_taken_back_whole_and_does_not_hold_up_others(all_at_once, caplog):
    broken, twin, made = twins()
    well, _, _ = twins()
    for who in (broken, well):
        expect(who, 20)
    state = ReviewState.objects.get(learner=broken, card=made[4])
    ReviewState.objects.filter(pk=state.pk).update(version=state.version - 1)  # so its next event is a double
    moving.work(lambda: at(9), timedelta(seconds=10), lambda: None)
    assert moves(broken) == MOST
    assert f"The cards of learner {broken.pk} can't be moved" in caplog.text
    assert list(moving.waiting()) == [broken]
    ReviewState.objects.filter(pk=state.pk).update(version=state.version)
    moving.work(lambda: at(9), timedelta(seconds=10), lambda: None)
    all_at_once(expect, twin, 20)
    assert days_of(broken) == days_of(twin)
    proven(broken)


def test_learners_are_served_in_turn_until_time_is_up():
    one, other, _ = twins()
    for who in (one, other):
        expect(who, 20)
    ticks = count()
    moving.work(lambda: at(9, 12, 0, next(ticks)), timedelta(seconds=5), lambda: None)
    assert (moves(one), moves(other)) == (3 * MOST, 3 * MOST)


def test_a_plan_that_is_changed_between_portions_ends_as_the_newer_one(all_at_once):
    who, twin, _ = twins()
    expect(who, 20)
    moving.go_on(User.objects.get(pk=who.pk), day(9), at(9))
    interviews.change(who, Interview.objects.get().pk, Wanted("Acme", day(18)), at(9))
    moving.go_on(User.objects.get(pk=who.pk), day(9), at(9))
    take_a_break(who)
    finish(who)
    all_at_once(expect, twin, 18)
    all_at_once(take_a_break, twin)
    assert days_of(who) == days_of(twin)
    nothing_left_to_plan(who)


def test_a_plan_that_is_taken_back_between_portions_leaves_every_card_on_its_own_day():
    who, _, _ = twins()
    before = days_of(who)
    expect(who, 20)
    moving.go_on(User.objects.get(pk=who.pk), day(9), at(9))
    assert delete(who).moved == Moved(ahead=0, behind=0, back=MOST, more=True)
    finish(who)
    assert days_of(who) == before
    proven(who)


def test_an_interview_that_is_over_between_portions_leaves_every_card_on_its_own_day():
    who, _, _ = twins()
    before = days_of(who)
    expect(who, 20)
    assert finish(who, 21) == 1
    assert (who.interview_on, days_of(who)) == (None, before)
    proven(who)


@pytest.mark.parametrize("place", [0, CARDS - 1])
def test_an_answer_between_portions_is_planned_and_so_is_its_undo(place):
    who, _, made = twins()
    under_way = User.objects.get(pk=who.pk)
    expect(who, 20)
    row = graded(under_way, made[place], 2, at(9))
    finish(who)
    nothing_left_to_plan(who)
    reviewing.undo(who, row.pk, at(9, 13))
    assert all(due_on and due_on < day(20) for due_on, _ in days_of(who))
    nothing_left_to_plan(who)


def test_a_card_that_is_released_between_portions_is_planned():
    who, _, made = twins()
    for what in (made[0], made[-1]):
        reviewing.suspend(who, what.pk, at(9))
    expect(who, 20)
    for what in (made[0], made[-1]):
        reviewing.release(who, what.pk, at(9))
    finish(who)
    assert all(due_on and due_on < day(20) for due_on, _ in days_of(who))
    nothing_left_to_plan(who)


# At the same time


@real_connections
def test_portions_answers_and_changes_at_once_leave_every_card_planned():
    for _ in range(ROUNDS):
        who, made = learner(), deck(8)
        for what in made:
            answered(who, what, 4, 4)  # one more answer, and it is due on day 23
        same = partial(User.objects.get, pk=who.pk)
        expect(who, 20, at(7))
        grades = [partial(graded, same(), what, 4, at(8)) for what in made]
        steps = [partial(moving.go_on, same(), day(8), at(8)) for _ in range(3)]
        others = [partial(interviews.add, same(), Wanted("B", day(19)), at(8))]
        replies = at_once([*grades[:4], *steps, *others, *grades[4:]])
        assert all(isinstance(reply, ReviewLog) for reply in (*replies[:4], *replies[8:]))
        finish(who, 8)
        assert all(due_on and day(12) <= due_on < day(19) for due_on, _ in days_of(who))
        nothing_left_to_plan(who, 8)


@real_connections
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer, for whom others wait")
def test_an_answer_by_the_old_plan_that_ends_after_the_first_portion_is_planned():
    who, made = learner(), deck(10 * MOST + 1)
    answered(who, made[-1], 4, 4)
    filling = [ReviewState(learner=who, card=what, due_on=day(12), interval=3) for what in made[:-1]]
    ReviewState.objects.bulk_create(filling)
    with transaction.atomic():
        graded(who, made[-1], 4, at(8))  # due on day 23; so far nobody else can see that
        at_once([partial(expect, User.objects.get(pk=who.pk), 20, at(8))])
    assert days_of(who)[-1] == (day(23), None)
    assert finish(who, 8) == 1
    assert days_of(who)[-1][1] == day(23)


@real_connections
def test_the_first_answer_after_unanswered_mails_and_a_portion_wait_for_each_other_in_one_order():
    who, _, made = twins(MOST)
    User.objects.filter(pk=who.pk).update(mails_unanswered=1)
    reader = User.objects.get(pk=who.pk)
    replies = list[object]()
    answer = Thread(target=lambda: replies.extend(at_once([partial(graded, reader, made[0], 4, at(9))])))
    with transaction.atomic():
        planning.hold(who)
        answer.start()
        while answer.is_alive() and not is_waited():
            pass
        planning.replan(who, day(9), at(9))
    answer.join()
    assert isinstance(replies[0], ReviewLog)
    assert User.objects.get(pk=who.pk).mails_unanswered == 0


@real_connections
def test_two_who_go_on_at_once_move_each_card_once():
    who, _, _ = twins()
    expect(who, 20)
    at_once([partial(moving.go_on, User.objects.get(pk=who.pk), day(9), at(9)) for _ in range(6)])
    finish(who)
    assert moves(who) == CARDS
    proven(who)


@real_connections
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer, for whom others wait")
def test_a_page_does_not_wait_for_a_worker_that_is_at_it(noon):
    who, _, _ = twins()
    expect(who, 20)
    client = client_of(who)
    with transaction.atomic():
        planning.hold(User.objects.get(pk=who.pk))
        (html,) = at_once([lambda: html_of(client.get("/interviews/"))])
    assert isinstance(html, str)
    assert "3 of 10 are where they belong" in words_of(html)
    assert moves(who) == MOST


# What learners see


def test_what_a_change_says_is_true_so_far_and_that_the_others_follow(noon):
    who, _, _ = twins()
    client = client_of(who)
    sent = {"company": "Acme", "on": str(day(20))} | {
        f"topic-{topic.pk}": "1" for topic in Topic.objects.all()
    }
    words = words_of(html_of(client.post("/interviews/", sent, follow=True)))
    assert "Interview added. So far: 3 cards now come in the week before 21 March." in words
    assert "The others follow." in words
    assert "Your cards are being moved: 3 of 10 are where they belong." in words
    client.get("/moving/")
    url = f"/interviews/{Interview.objects.get().pk}/delete/"
    words = words_of(html_of(client.post(url, follow=True)))
    assert "Interview deleted. So far: 3 cards are back on their own days. The others follow." in words


def test_what_a_break_and_its_end_say_is_true_so_far(noon):
    who, _, _ = twins()
    before = days_of(who)
    client = client_of(who)
    sent = {"break_from": str(day(20)), "break_until": str(day(40))}
    words = words_of(html_of(client.post("/break/", sent, follow=True)))
    assert "So far: 3 cards that would come in it come in the week after instead" in words
    client.get("/moving/")
    words = words_of(html_of(client.post("/break/cancel/", follow=True)))
    assert "Your break is cancelled. So far, 3 cards are back on their own days. The others follow." in words
    client.get("/moving/")
    assert days_of(who) == before


@pytest.mark.parametrize("url", ["/interviews/", "/break/", "/dashboard/", "/today/"])
def test_a_page_says_how_far_it_is_until_it_is_done_and_moves_none_itself(noon, all_at_once, url):
    who, twin, _ = twins()
    client = client_of(who)
    expect(who, 20, at(10))
    all_at_once(expect, twin, 20, at(10))
    for done in (3, 6, 9):
        words = words_of(html_of(client.get(url)))
        assert f"Your cards are being moved: {done} of 10 are where they belong." in words
        assert statements(client, url) <= 12
        assert client.get(f"/moving/?next={url}").headers["Location"] == url
    assert "Your cards are being moved" not in words_of(html_of(client.get(url)))
    assert moves(who) == CARDS
    assert statements(client, url) == statements(client_of(twin), url) <= 12


def test_htmx_sees_how_far_it_is_and_hears_when_it_is_done(noon):
    who, _, _ = twins()
    expect(who, 20, at(10))
    client = client_of(who)
    for done in (6, 9):
        html = html_of(client.get("/moving/", headers=HTMX))
        assert f"{done} of 10" in html
        assert html.lstrip().startswith('<div class="notes" id="moving" hx-get="/moving/"')
    response = client.get("/moving/", headers=HTMX)
    assert (response.content, response.headers["HX-Trigger"]) == (b"", "moved")


def test_a_review_neither_moves_other_cards_nor_takes_a_statement_more_meanwhile(noon):
    who, _, _ = twins()
    client = client_of(who)
    usual = statements(client, "/decks/")
    expect(who, 20, at(10))
    assert statements(client, "/decks/") == usual
    assert moves(who) == MOST


def test_beat_lets_a_worker_move_what_is_left(noon):
    assert "cards.move" in {entry["task"] for entry in app.conf.beat_schedule.values()}
    who, _, _ = twins(MOST + 1)
    expect(who, 20, at(10))
    tasks.move_cards()
    assert moves(who) == MOST + 1
    assert not moving.waiting().exists()
