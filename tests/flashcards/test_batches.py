"""Late cards too many for one transaction are spread, and put back, as if they were few."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from flashcards import catching_up, interviews, moving, planning, queue, replaying, reviewing
from flashcards.interviews import Wanted
from flashcards.models import Card, DayStat, ReviewLog, ReviewState
from flashcards.reviewing import Refused
from tests.flashcards.test_concurrency import at_once
from tests.making import at, day, deck, graded, kinds, learner, proven, rolled_back, state
from tests.visiting import client_of, html_of, words_of

pytestmark = pytest.mark.django_db
real_connections = pytest.mark.django_db(transaction=True)

MOST = 3
CARDS = 14
BACK = 12
ROUNDS = 3


@pytest.fixture(autouse=True)
def _few_at_once(settings):
    settings.CARDS_AT_ONCE = MOST


@pytest.fixture
def at_one_go(settings) -> Callable[..., list[date | None]]:
    """Return what says where cards would be if it were done in one transaction, without doing it."""

    def would_be(who: User, act: Callable[..., Any], *args: Any) -> list[date | None]:
        settings.CARDS_AT_ONCE = 1_000
        with rolled_back():
            act(same(who), *args)
            found = due_days(who)
        settings.CARDS_AT_ONCE = MOST
        return found

    return would_be


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(at(BACK), tick=False)


def away(cards: int = CARDS) -> tuple[User, list[Card]]:
    """Return a learner who answered these cards on days 1 to 3, all of them due since, and not again."""
    who, made = learner(new_cards_per_day=0), deck(cards)
    for n, what in enumerate(made):
        graded(who, what, 4, at(1 + n % 3))
    return who, made


def same(who: User) -> User:
    """Return the learner as another request would load them."""
    return User.objects.get(pk=who.pk)


def due_days(who: User) -> list[date | None]:
    return list(ReviewState.objects.filter(learner=who).order_by("card").values_list("due_on", flat=True))


def spread(who: User, days: int = 5) -> int:
    return catching_up.spread(who, days, uuid4(), at(BACK))


def undo(who: User) -> ReviewLog:
    latest = reviewing.latest_standing(who, day(BACK))
    assert latest is not None
    return reviewing.undo(who, latest.pk, at(BACK, 13))


def go_on(who: User, number: int = BACK) -> None:
    moving.go_on(same(who), day(number), at(number, 14))


def finish(who: User, number: int = BACK) -> int:
    """Go on until nothing is left to be moved; return how many portions that took."""
    for portions in count():
        who.refresh_from_db()
        if not planning.is_moving(who):
            return portions
        before = ReviewLog.objects.count()
        go_on(who, number)
        assert ReviewLog.objects.count() - before <= MOST
    raise AssertionError


def test_portions_spread_the_cards_as_the_preview_says_and_one_transaction_would(at_one_go):
    who, _ = away()
    for asked in (3, 5, 7):
        shown = catching_up.choices(who, CARDS, day(BACK))[(3, 5, 7).index(asked)]
        expected = at_one_go(who, spread, asked)
        assert spread(who, asked) == MOST
        assert finish(who) == -(-(shown.moved - MOST) // MOST)
        assert due_days(who) == expected
        on = Counter(due_on for due_on in expected if due_on)
        assert [on[share.day] for share in shown.shares[1:]] == [share.total for share in shown.shares[1:]]
        proven(who)
        undo(who)
        finish(who)


def test_a_spreading_in_portions_is_one_batch_and_one_undo_puts_every_card_back():
    who, made = away()
    before = due_days(who)
    spread(who)
    finish(who)
    moved = ReviewLog.objects.filter(batch__isnull=False)
    assert (moved.count(), moved.values("batch").distinct().count()) == (11, 1)
    first = undo(who)
    assert finish(who) == 3
    assert due_days(who) == before
    assert sorted(len(kinds(who, what)) for what in made) == [1] * 3 + [3] * 11
    undone = first.state.log.get(sequence=2)
    assert reviewing.undo(who, undone.pk, at(BACK, 15)) == first
    assert reviewing.latest_standing(who, day(BACK)) is None
    proven(who)


def test_as_many_as_one_portion_holds_are_spread_and_put_back_at_once():
    who, _ = away(MOST)
    before = due_days(who)
    assert spread(who, 3) == 2
    assert not planning.is_moving(who)
    undo(who)
    assert not planning.is_moving(who)
    assert due_days(who) == before


def test_a_worker_that_dies_between_two_portions_loses_nothing(at_one_go):
    class Killed(BaseException):
        pass

    def dies() -> None:
        raise Killed

    who, _ = away()
    before, expected = due_days(who), at_one_go(who, spread)
    for act, result in ((spread, expected), (undo, before)):
        act(same(who))
        with pytest.raises(Killed):
            moving.work(lambda: at(BACK), timedelta(seconds=10), dies)
        moving.work(lambda: at(BACK), timedelta(seconds=10), lambda: None)
        assert not moving.waiting().exists()
        assert due_days(who) == result
    proven(who)


def test_an_answer_while_cards_are_spread_counts_can_be_undone_and_leaves_the_others_their_places(at_one_go):
    who, _ = away()
    expected = at_one_go(who, spread)
    first = queue.due(who, day(BACK)).first()
    assert first is not None
    spread(who)
    row = graded(same(who), first.card, 4, at(BACK))
    go_on(who)
    who.refresh_from_db()
    assert reviewing.latest_standing(who, day(BACK)) == row
    assert undo(who).undoes == row.sequence
    finish(who)
    assert due_days(who) == expected
    proven(who)


def test_a_card_that_is_answered_while_the_spreading_is_undone_keeps_its_answer():
    who, _ = away()
    before = due_days(who)
    spread(who)
    finish(who)
    undo(who)
    left = ReviewState.objects.filter(learner=who, due_on__gt=day(BACK)).first()
    assert left is not None
    row = graded(same(who), left.card, 2, at(BACK, 13))
    finish(who)
    assert kinds(who, left.card) == ["review", "set_due", "practice"]
    others = ReviewState.objects.filter(learner=who).exclude(pk=left.pk).order_by("card")
    kept = dict(zip(ReviewState.objects.filter(learner=who).order_by("card"), before, strict=True))
    assert [other.due_on for other in others] == [kept[other] for other in others]
    assert DayStat.objects.get(learner=who, day=day(BACK)).answers == 1
    assert reviewing.latest_standing(who, day(BACK)) == row
    assert replaying.check().differing == 0


def test_what_comes_due_on_a_new_day_is_not_spread_with_the_rest(at_one_go):
    who, _ = away()
    more = deck(4)
    for what in more:
        graded(who, what, 4, at(3))
        reviewing.set_due(who, what.pk, 1, day(BACK + 1), at(3))
    expected = at_one_go(who, spread)
    spread(who)
    finish(who, BACK + 1)
    assert due_days(who) == expected
    proven(who)


def test_an_interview_that_is_added_while_cards_are_spread_has_all_of_them_before_it():
    who, _ = away()
    spread(who, 7)
    change = interviews.add(same(who), Wanted("Acme", day(BACK + 4)), at(BACK))
    assert change.moved == planning.Moved(0, 0, 0, more=True)
    finish(who)
    assert all(due_on and due_on < day(BACK + 4) for due_on in due_days(who))
    planned = due_days(who)
    assert planning.replan(who, day(BACK), at(BACK)) == planning.Moved(0, 0, 0, more=True)
    finish(who)
    assert due_days(who) == planned
    proven(who)


def test_while_cards_are_moved_none_are_spread_and_no_spreading_is_undone():
    who, made = away()
    spread(who)
    batch = ReviewLog.objects.filter(batch__isnull=False).latest("pk")
    before = due_days(who)
    with pytest.raises(Refused, match="still being moved"):
        spread(same(who))
    with pytest.raises(Refused, match="still being moved"):
        reviewing.undo(same(who), batch.pk, at(BACK))
    assert due_days(who) == before
    finish(who)
    interviews.add(who, Wanted("Acme", day(BACK + 3)), at(BACK))
    assert planning.is_moving(who)
    with pytest.raises(Refused, match="still being moved"):
        spread(same(who))
    assert state(who, made[0]).version >= 1


@real_connections
def test_portions_and_answers_at_once_leave_every_schedule_provable():
    for _ in range(ROUNDS):
        who, made = away(8)
        spread(who)
        answers = [partial(graded, same(who), what, 4, at(BACK)) for what in made[:3]]
        at_once([*answers, *[partial(go_on, who)] * 3])
        finish(who)
        proven(who)
        latest = ReviewLog.objects.filter(learner=who, batch__isnull=False).latest("pk")
        back = partial(reviewing.undo, same(who), latest.pk, at(BACK))
        at_once([back, partial(graded, same(who), made[-1], 4, at(BACK)), *[partial(go_on, who)] * 3])
        finish(who)
        proven(who)
        assert replaying.check().differing == 0


def test_the_pages_say_how_far_it_is_and_then_what_was_done(clock):
    who, _ = away(30)
    before = due_days(who)
    client = client_of(who)
    words = words_of(html_of(client.post("/catch-up/", {"days": "3"}, follow=True)))
    assert "Your cards are being moved: 3 of 20 are where they belong." in words
    assert "spread over" not in words
    assert "Spread" not in words_of(html_of(client.get("/catch-up/")))
    words = words_of(html_of(client.post("/catch-up/", {"days": "3"}, follow=True)))
    assert "Your cards are still being moved. Spread them when that is done." in words
    finish(who)
    words = words_of(html_of(client.get("/today/")))
    assert "20 cards were spread over 2 later days, the last of them 15 March." in words
    latest = reviewing.latest_standing(who, day(BACK))
    assert latest is not None
    words = words_of(html_of(client.post("/catch-up/undo/", {"log": latest.pk}, follow=True)))
    assert "So far, 3 cards are due again. The others follow." in words
    assert "Your cards are being moved: 3 of 20 are where they belong." in words
    finish(who)
    assert "being moved" not in words_of(html_of(client.get("/today/")))
    assert due_days(who) == before
