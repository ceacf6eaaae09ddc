"""Catching up: what waits after days away is spread level, exactly as the preview said, and can be undone."""

from collections import Counter
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from flashcards import catching_up, history, planning, queue, reviewing
from flashcards.models import Card, DayStat, Interview, ReviewLog, ReviewState
from flashcards.reviewing import Refused, Stale
from tests.flashcards.test_concurrency import at_once
from tests.making import at, card, day, deck, graded, kinds, learner, proven, scheduled, state
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db

BACK = 12
ROUNDS = 6


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(at(BACK), tick=False)
    return time_machine


def away(cards: int = 45, **settings: Any) -> tuple[User, list[Card]]:
    """Return a learner who answered these cards on days 1 to 3, all of them due since, and not again."""
    who, made = learner(new_cards_per_day=0, **settings), deck(cards)
    for n, what in enumerate(made):
        graded(who, what, 4, at(1 + n % 3))
    return who, made


def due_days(who: User) -> list[date | None]:
    return list(ReviewState.objects.filter(learner=who).order_by("card").values_list("due_on", flat=True))


def spread(who: User, days: int, now_day: int = BACK) -> int:
    return catching_up.spread(who, days, uuid4(), at(now_day))


def offer(who: User, on: int = BACK) -> catching_up.Spread | None:
    return catching_up.offer(who, queue.counts(who, day(on)).waiting, day(on))


def choices(who: User, on: int = BACK) -> tuple[catching_up.Spread, ...]:
    return catching_up.choices(who, queue.due(who, day(on)).count(), day(on))


def undo_latest(who: User, on: int = BACK) -> ReviewLog:
    latest = reviewing.latest_standing(who, day(on))
    assert latest is not None
    return reviewing.undo(who, latest.pk, at(on, 13))


def test_more_than_two_usual_days_after_two_days_away_are_an_offer():
    who, _ = away(45)
    assert catching_up.pace(who, day(BACK)) == catching_up.Pace(15, day(3))
    offered = offer(who)
    assert offered is not None
    assert (offered.waiting, offered.most, offered.until) == (45, 15, day(BACK + 2))


def test_two_usual_days_are_no_offer():
    who, made = away(45)
    for what in made[:15]:
        reviewing.suspend(who, what.pk, at(4))
    assert queue.counts(who, day(BACK)).waiting == 30
    assert offer(who) is None


def test_a_usual_day_is_ten_answers_at_least():
    who, _ = away(21)
    assert catching_up.pace(who, day(BACK)).usual == 10
    assert offer(who) is not None
    assert offer(away(20)[0]) is None


def test_a_usual_day_is_the_mean_of_the_last_thirty_days_with_answers():
    who = learner()
    DayStat.objects.bulk_create(DayStat(learner=who, day=day(2 * n), answers=n) for n in range(1, 41))
    DayStat.objects.create(learner=who, day=day(81), answers=0)
    assert catching_up.pace(who, day(90)) == catching_up.Pace(sum(range(11, 41)) / 30, day(80))


def test_an_answer_yesterday_or_today_means_that_nobody_was_away():
    who, made = away(45)
    assert offer(who, on=4) is None
    assert offer(who, on=5) is not None
    graded(who, made[0], 4, at(BACK))
    assert offer(who) is None


def test_a_learner_who_never_answered_is_not_away():
    who = learner()
    for what in deck(30):
        scheduled(who, what, day(1))
    assert offer(who) is None


def test_nothing_is_offered_in_a_break():
    who, _ = away(45)
    User.objects.filter(pk=who.pk).update(break_from=day(BACK), break_until=day(BACK))
    who.refresh_from_db()
    assert offer(who) is None


def test_the_result_is_what_the_preview_said():
    who, _ = away(45)
    for what in deck(7):
        graded(who, what, 4, at(3))
        reviewing.set_due(who, what.pk, 1, day(BACK + 1), at(3))
    for asked in (3, 5, 7):
        shown = next(choice for choice in choices(who) if choice.asked == asked)
        assert shown.shares[1].scheduled == 7
        assert spread(who, asked) == shown.moved
        now_on = Counter(due_on for due_on in due_days(who) if due_on is not None and due_on > day(BACK))
        for share in shown.shares[1:]:
            assert now_on[share.day] == share.total
        assert queue.counts(who, day(BACK)).waiting == shown.shares[0].put
        undo_latest(who)
        proven(who)


def test_the_oldest_come_first_in_the_order_of_the_queue():
    who, _ = away(45)
    order = list(queue.due(who, day(BACK)).values_list("card", flat=True))
    spread(who, 5)
    by_day = ReviewState.objects.filter(learner=who).values_list("card", "due_on")
    placed = {card_id: max(due_on, day(BACK)) for card_id, due_on in by_day if due_on is not None}
    assert [placed[card_id] for card_id in order] == sorted(placed.values())
    assert Counter(placed.values()) == {day(BACK + n): 9 for n in range(5)}


def test_a_card_that_stays_today_has_no_event_and_one_that_moves_has_one_of_the_batch():
    who, made = away(45)
    spread(who, 3)
    moved = ReviewLog.objects.filter(learner=who, batch__isnull=False)
    assert moved.count() == 30
    assert moved.values("batch").distinct().count() == 1
    assert sorted(len(kinds(who, what)) for what in made) == [1] * 15 + [2] * 30
    proven(who)


def test_only_due_days_move():
    who, _ = away(45)
    columns = [name for name in kept_columns() if name not in {"due_on", "shuffle", "version"}]
    before = list(ReviewState.objects.filter(learner=who).order_by("pk").values(*columns))
    spread(who, 7)
    assert list(ReviewState.objects.filter(learner=who).order_by("pk").values(*columns)) == before


def kept_columns() -> list[str]:
    return [field.attname for field in ReviewState._meta.concrete_fields]


def test_one_undo_brings_back_every_due_day():
    who, _ = away(45)
    before = due_days(who)
    spread(who, 7)
    assert due_days(who) != before
    undo_latest(who)
    assert due_days(who) == before
    proven(who)
    assert reviewing.latest_standing(who, day(BACK)) is None


def test_undoing_twice_undoes_once():
    who, _ = away(45)
    spread(who, 7)
    latest = reviewing.latest_standing(who, day(BACK))
    assert latest is not None
    undone = reviewing.undo(who, latest.pk, at(BACK, 13))
    assert reviewing.undo(who, latest.pk, at(BACK, 14)) == undone
    proven(who)


def test_after_an_answer_the_spreading_is_undone_after_that_answer():
    who, _ = away(45)
    before = due_days(who)
    spread(who, 3)
    batch = reviewing.latest_standing(who, day(BACK))
    first = queue.due(who, day(BACK)).first()
    assert batch is not None
    assert first is not None
    graded(who, first.card, 4, at(BACK))
    with pytest.raises(Refused, match="A later answer came after that one"):
        reviewing.undo(who, batch.pk, at(BACK))
    undo_latest(who)
    undo_latest(who)
    assert due_days(who) == before
    proven(who)


def test_a_second_press_moves_nothing_more():
    who, _ = away(44)
    spread(who, 5)
    after_first = due_days(who)
    assert spread(who, 5) == 0
    assert due_days(who) == after_first


def test_nothing_waiting_moves_nothing():
    who = learner()
    assert spread(who, 3) == 0
    assert not DayStat.objects.filter(learner=who).exists()
    assert choices(who)[0].waiting == 0


def test_a_buried_card_stays_buried_and_counts_for_tomorrow():
    who, made = away(45)
    for what in made[:5]:
        reviewing.bury(who, what.pk, at(BACK))
    assert choices(who)[0].shares[1].scheduled == 5
    spread(who, 3)
    assert [kinds(who, what) for what in made[:5]] == [["review"]] * 5
    assert queue.counts(who, day(BACK)).waiting == 15
    assert queue.counts(who, day(BACK + 1)).waiting == 15 + 15


def test_suspended_and_retired_cards_stay_where_they_are():
    who, made = away(45)
    reviewing.suspend(who, made[0].pk, at(4))
    Card.objects.filter(pk=made[1].pk).update(retired=True)
    spread(who, 7)
    assert kinds(who, made[0]) == kinds(who, made[1]) == ["review"]


def test_another_learners_cards_stay_where_they_are():
    who, made = away(45)
    other = learner()
    for what in made:
        graded(other, what, 4, at(1))
    before = due_days(other)
    spread(who, 7)
    assert due_days(other) == before
    assert not ReviewLog.objects.filter(learner=other, batch__isnull=False).exists()


def plan_interview(who: User, on: date) -> None:
    Interview.objects.create(learner=who, company="Acme", on=on)
    planning.replan(who, day(BACK), at(BACK))


def test_nothing_is_put_on_the_day_of_the_interview_or_later():
    who, _ = away(45)
    plan_interview(who, day(BACK + 4))
    offered = choices(who)
    assert [(each.asked, len(each.shares)) for each in offered] == [(3, 3), (5, 4)]
    assert [each.before_interview for each in offered] == [False, True]
    assert spread(who, 7) == 45 - 12
    assert max(due_on for due_on in due_days(who) if due_on) == day(BACK + 3)


def test_the_interview_counts_as_it_is_in_the_database_when_it_is_done():
    who, _ = away(45)
    plan_interview(User.objects.get(pk=who.pk), day(BACK + 2))
    assert who.interview_on is None
    spread(who, 7)
    assert max(due_on for due_on in due_days(who) if due_on) == day(BACK + 1)


def test_with_the_interview_tomorrow_nothing_moves_and_nothing_is_offered():
    who, _ = away(45)
    plan_interview(who, day(BACK + 1))
    assert offer(who) is None
    assert spread(who, 7) == 0


def test_the_days_of_a_break_get_nothing():
    who, _ = away(45)
    User.objects.filter(pk=who.pk).update(break_from=day(BACK + 1), break_until=day(BACK + 3))
    who.refresh_from_db()
    assert [len(each.shares) for each in choices(who)] == [1, 2, 4]
    spread(who, 7)
    assert not {day(BACK + 1), day(BACK + 2), day(BACK + 3)} & set(due_days(who))


def test_a_card_that_the_plan_had_moved_keeps_its_own_day():
    who, made = away(45)
    for what in made[40:]:
        reviewing.set_due(who, what.pk, 1, day(40), at(4))
    Interview.objects.create(learner=who, company="Acme", on=day(20))
    planning.replan(who, day(4), at(4))
    moved = ReviewState.objects.filter(learner=who, own_due_on=day(40))
    assert moved.count() == 5
    before = due_days(who)
    spread(who, 3, now_day=14)
    assert moved.count() == 5
    assert all(due_on < day(20) for due_on in moved.values_list("due_on", flat=True) if due_on)
    assert "plan" in ReviewLog.objects.filter(batch__isnull=False).values_list("kind", flat=True)
    undo_latest(who, on=14)
    assert due_days(who) == before
    proven(who)


def test_a_later_plan_leaves_what_was_spread_where_it_is():
    who, _ = away(45)
    spread(who, 7)
    before = due_days(who)
    planning.replan(who, day(BACK), at(BACK))
    assert due_days(who) == before


def statements_of(cards: int) -> int:
    who = learner()
    ReviewState.objects.bulk_create(
        ReviewState(learner=who, card=what, due_on=day(1) + timedelta(days=n % 9), interval=6, version=0)
        for n, what in enumerate(deck(cards))
    )
    with CaptureQueriesContext(connection) as captured:
        spread(who, 7)
    assert ReviewLog.objects.filter(learner=who).count() > cards * 4 // 5
    return len(captured)


def test_two_thousand_cards_take_a_bounded_number_of_statements():
    assert statements_of(20) < 20
    assert statements_of(2_000) < 25 + 2_000 // 30


def test_today_offers_it_with_numbers_and_a_way(clock):
    who, _ = away(45)
    html = html_of(client_of(who).get("/today/"))
    assert "45 cards are waiting. We can give you 15 a day at most; you’ll be level by Sunday." in words_of(
        html
    )
    assert 'href="/catch-up/"' in html


def test_today_promises_no_level_day_beyond_the_limit(clock):
    who, _ = away(45, reviews_per_day=5)
    words = words_of(html_of(client_of(who).get("/today/")))
    assert "You can spread them over the next days." in words
    assert "level by" not in words


def test_the_page_shows_each_day_exactly(clock):
    who, _ = away(45)
    for what in deck(3):
        scheduled(who, what, day(BACK + 1))
    html = html_of(client_of(who).get("/catch-up/?days=5"))
    assert cells_of(html) == [
        ["Today, what stays", "0", "10", "10"],
        ["Saturday 14 March", "3", "7", "10"],
        ["Sunday 15 March", "0", "10", "10"],
        ["Monday 16 March", "0", "9", "9"],
        ["Tuesday 17 March", "0", "9", "9"],
    ]
    assert "Spread 45 cards over 5 days" in html
    assert 'name="days" value="5"' in html


def test_the_page_chooses_days_on_which_none_is_fuller_than_usual(clock):
    who, _ = away(45)
    assert "Spread over 3 days" in html_of(client_of(who).get("/catch-up/"))
    for what in deck(9):
        scheduled(who, what, day(1))
    assert "Spread over 5 days" in html_of(client_of(who).get("/catch-up/?days=nonsense"))


def test_posting_spreads_and_today_says_what_was_done_with_the_way_back(clock):
    who, _ = away(45)
    before = due_days(who)
    client = client_of(who)
    response = client.post("/catch-up/", {"days": "5"}, follow=True)
    assert response.redirect_chain == [("/today/", 303)]
    html = html_of(response)
    assert "36 cards were spread over 4 later days, the last of them 17 March." in words_of(html)
    assert 'action="/catch-up/undo/"' in html
    assert "are waiting" not in html
    log = reviewing.latest_standing(who, day(BACK))
    assert log is not None
    response = client.post("/catch-up/undo/", {"log": log.pk}, follow=True)
    assert response.redirect_chain == [("/today/", 303)]
    assert "Undone: 36 cards are due again." in html_of(response)
    assert due_days(who) == before
    proven(who)


def test_what_is_moved_is_what_is_due_when_it_is_sent(clock):
    who, made = away(45)
    client = client_of(who)
    assert "Spread 45 cards" in html_of(client.get("/catch-up/?days=3"))
    graded(who, made[0], 4, at(BACK))
    words = words_of(html_of(client.post("/catch-up/", {"days": "3"}, follow=True)))
    assert "29 cards were spread over 2 later days" in words


@pytest.mark.parametrize("sent", [{}, {"days": ""}, {"days": "4"}, {"days": "3.0"}, {"days": "-1"}])
def test_a_number_of_days_that_is_no_choice_is_refused_and_moves_nothing(clock, sent):
    who, _ = away(21)
    before = due_days(who)
    response = client_of(who).post("/catch-up/", sent)
    assert response.status_code == 422
    assert "Choose 3, 5 or 7 days." in html_of(response)
    assert "<title>Error: Catch up" in html_of(response)
    assert due_days(who) == before


def test_with_nothing_waiting_the_page_says_so(clock):
    html = html_of(client_of(learner()).get("/catch-up/"))
    assert "Nothing is waiting, so there’s nothing to spread." in html
    words = words_of(html_of(client_of(learner()).post("/catch-up/", {"days": "3"}, follow=True)))
    assert "No card had to move" in words


def test_the_page_says_what_the_interview_forbids(clock):
    who, _ = away(45)
    plan_interview(who, day(BACK + 3))
    words = words_of(html_of(client_of(who).get("/catch-up/?days=7")))
    assert "Spread over 3 days" in words
    plan_interview(who, day(BACK + 1))
    words = words_of(html_of(client_of(who).get("/catch-up/?days=7")))
    assert "Your interview is on Saturday 14 March, and nothing is put off past the day before it" in words


def test_the_page_says_that_days_were_left_out_before_an_interview_and_around_a_break(clock):
    who, _ = away(45)
    User.objects.filter(pk=who.pk).update(break_from=day(BACK + 2), break_until=day(BACK + 2))
    plan_interview(User.objects.get(pk=who.pk), day(BACK + 6))
    words = words_of(html_of(client_of(who).get("/catch-up/?days=7")))
    assert "Your interview is on Thursday 19 March, so nothing is put on that day or later." in words
    assert "The days of your break are left out." in words
    assert "Spread 45 cards over 5 days" in words


def test_a_choice_that_a_break_leaves_one_day_of_is_said_in_the_singular(clock):
    who, _ = away(45)
    User.objects.filter(pk=who.pk).update(break_from=day(BACK + 1), break_until=day(BACK + 3))
    words = words_of(html_of(client_of(who).get("/catch-up/?days=7")))
    assert "1 day, 45 a day at most" in words


def test_the_page_says_when_a_day_would_go_beyond_the_limit(clock):
    who, _ = away(45, reviews_per_day=12)
    words = words_of(html_of(client_of(who).get("/catch-up/?days=3")))
    assert "The fullest day would hold 15 reviews, more than your limit of 12 a day" in words
    assert "level by" not in words


def test_an_undo_of_another_learners_row_or_of_none_changes_nothing(clock):
    who, _ = away(45)
    spread(who, 3)
    before = due_days(who)
    log = reviewing.latest_standing(who, day(BACK))
    assert log is not None
    for sent in ({"log": log.pk}, {"log": "x"}, {}):
        words = words_of(html_of(client_of(learner()).post("/catch-up/undo/", sent, follow=True)))
        assert "There is nothing to undo." in words
    assert due_days(who) == before


def test_the_review_speaks_of_the_spreading_and_not_of_one_card(clock):
    who, _ = away(45)
    spread(who, 5)
    last = reviewing.latest_standing(who, day(BACK))
    assert last is not None
    html = html_of(client_of(who).get("/review/"))
    assert "<p>36 cards were spread over 4 later days, the last of them 17 March.</p>" in html
    outcome = html.split('id="outcome"')[1].split("</form>")[0]
    assert last.state.card.question not in outcome
    assert "Undo" in outcome


def test_one_moved_card_is_said_in_the_singular(clock):
    who, what = learner(), card()
    scheduled(who, what, day(1))
    scheduled(who, card(), day(1))
    assert spread(who, 3) == 1
    words = words_of(html_of(client_of(who).get("/today/")))
    assert "1 card was moved to 14 March." in words


def test_the_summary_offers_to_undo_the_spreading(clock):
    who, _ = away(45)
    spread(who, 5)
    assert "Undo the spreading" in words_of(html_of(client_of(who).get("/review/done/")))


def test_the_pages_take_as_many_statements_with_many_cards_as_with_few(clock):
    few, many = client_of(away(21)[0]), client_of(away(60)[0])
    assert statements(few, "/catch-up/") == statements(many, "/catch-up/") <= 8
    assert statements(few, "/today/") == statements(many, "/today/") <= 10


@pytest.mark.django_db(transaction=True)
def test_spreading_and_an_answer_at_once_happen_in_one_order_or_the_other():
    for _ in range(ROUNDS):
        who, made = away(6)
        first = queue.due(who, day(BACK)).last()
        assert first is not None
        _, reply = at_once(
            [partial(spread, same(who), 3), partial(graded, same(who), first.card, 4, at(BACK))]
        )
        if isinstance(reply, ReviewLog):
            assert state(who, first.card).due_on == reply.due_on
        else:
            assert isinstance(reply, Stale)
            assert kinds(who, first.card) == ["review", "set_due"]
        assert len(made) == len(due_days(who))
        proven(who)


@pytest.mark.django_db(transaction=True)
def test_two_spreadings_at_once_move_each_card_once():
    who, made = away(9)
    moved = at_once([partial(spread, same(who), 3)] * 8)
    assert sorted(str(count) for count in moved) == ["0"] * 7 + ["6"]
    assert sorted(len(kinds(who, what)) for what in made) == [1] * 3 + [2] * 6
    proven(who)


@pytest.mark.django_db(transaction=True)
def test_spreading_and_its_undo_and_answers_at_once_leave_every_schedule_provable():
    for _ in range(ROUNDS):
        who, made = away(8)
        spread(who, 5)
        latest = reviewing.latest_standing(who, day(BACK))
        assert latest is not None
        undo = partial(reviewing.undo, same(who), latest.pk, at(BACK))
        answers = [partial(graded, same(who), what, 4, at(BACK)) for what in made[:3]]
        at_once([undo, partial(spread, same(who), 3), *answers, undo])
        proven(who)


def same(who: User) -> User:
    """Return the learner as another request would load them."""
    return User.objects.get(pk=who.pk)


def test_a_schedule_spread_and_answered_is_the_schedule_of_a_late_card():
    who, _ = away(45)
    spread(who, 5)
    moved = ReviewState.objects.filter(learner=who, due_on=day(BACK + 4)).first()
    assert moved is not None
    row = graded(who, moved.card, 4, at(BACK + 4))
    assert (row.kind, row.interval) == ("review", 6)
    assert history.schedule_of(state(who, moved.card)).own_due_on is None
    proven(who)
