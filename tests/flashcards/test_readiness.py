"""Readiness on the day, reviews ahead, cards at risk: numbers by hand, and what must not count."""

from datetime import date, timedelta
from math import sqrt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from flashcards import readiness, recall, reviewing
from flashcards.models import Card, Interview, InterviewTopic, ReviewState
from flashcards.readiness import Ahead, Lead, Readiness, Slip
from flashcards.scheduling import memory, simulation
from flashcards.scheduling.memory import Memory
from tests import caches
from tests.making import at, card, day, deck, graded, learner, scheduled, state

pytestmark = pytest.mark.django_db

TODAY = day(1)
SURE = 1e7  # days of stability with which nothing is forgotten in these tests


def chance(stability: float, days: int) -> float:
    """Return the recall of FSRS-6 after so many days, written out from its description."""
    decay = -0.1542
    return float((1 + (0.9 ** (1 / decay) - 1) * days / stability) ** decay)


def known(
    who: User, what: Card, stability: float, ago: int = 0, due_in: int = 30, **columns: Any
) -> ReviewState:
    """Store a card answered so many days ago, with this stability."""
    memory_columns = {"stability": stability, "difficulty": 5.0, "remembered_on": TODAY - timedelta(ago)}
    return scheduled(who, what, TODAY + timedelta(due_in), **(memory_columns | columns))


def interview(who: User, on: date, **weights: int) -> Interview:
    """Store an interview; weights are by the name of the topic, with an underscore for the space."""
    made = Interview.objects.create(learner=who, company="Acme", on=on)
    for name, weight in weights.items():
        topic = Card.objects.filter(topic__name=name.replace("_", " ")).first()
        assert topic
        InterviewTopic.objects.create(interview=made, topic=topic.topic, weight=weight)
    return made


def lead_of(who: User) -> Lead:
    return readiness.leading(who, TODAY)


def ready(who: User) -> Readiness:
    return readiness.readiness(who, lead_of(who), TODAY)


def ahead(who: User) -> Ahead:
    return readiness.ahead(who, lead_of(who), TODAY, ready(who))


def slipping(who: User, **limit: int) -> list[Slip]:
    return readiness.slipping(who, lead_of(who), TODAY, **limit)


def test_without_an_interview_it_is_about_the_day_in_14_days():
    who = learner()
    interview(learner(), day(3))
    assert lead_of(who) == Lead(None, day(15), {})


def test_the_nearest_interview_from_today_on_leads():
    who = learner()
    interview(who, day(0))
    later, nearest = interview(who, day(9)), interview(who, day(5))
    assert lead_of(who) == Lead(nearest, day(5), {})
    today = interview(who, day(1))
    assert lead_of(who).interview == today
    assert readiness.leading(who, day(2)).interview == nearest
    assert readiness.leading(who, day(6)).interview == later


def test_the_lead_says_how_much_each_topic_counts():
    who, cards = learner(), deck(31)
    made = interview(who, day(5), Topic_1=0, Topic_2=3)
    interview(who, day(6), Topic_1=2)
    lead = lead_of(who)
    assert lead.interview == made
    assert [lead.weight(cards[n].topic_id) for n in (0, 10, 20)] == [0, 3, 1]
    assert lead.left_out() == [cards[0].topic_id]


@pytest.mark.parametrize("stability", [0.001, 0.37, 1.0, 8.2956, 100.25, 36_500.0])
def test_the_database_predicts_what_the_model_predicts(stability):
    who = learner()
    ages = [-3, -1, 0, 1, 2, 14, 59, 60, 365, 1_461, 36_500]
    for one, ago in zip(deck(len(ages)), ages, strict=True):
        known(who, one, stability, ago)
    on = day(30)
    for row in ReviewState.objects.annotate(chance=recall.on(on)):
        assert row.remembered_on
        remembered = Memory(stability, 5.0, row.remembered_on)
        assert row.chance == pytest.approx(memory.recall(remembered, on), abs=1e-12)


def test_a_card_without_an_answer_has_no_predicted_recall():
    who = learner()
    reviewing.suspend(who, card().pk, at(1))
    assert ReviewState.objects.annotate(chance=recall.on(day(9))).get().chance is None


def test_if_you_stopped_now_each_active_card_counts_with_its_recall_on_the_day():
    who, cards = learner(), deck(7)
    known(who, cards[0], 10.0, ago=4)
    known(who, cards[1], 25.0, ago=0)
    known(who, cards[2], 3.0, ago=9, due_in=-2, buried_on=TODAY)
    known(who, cards[3], 50.0, suspended=True)
    known(who, cards[4], 50.0)
    Card.objects.filter(pk=cards[4].pk).update(retired=True)
    row = graded(who, cards[5], 4, at(1))
    reviewing.undo(who, row.pk, at(1))
    interview(who, day(11))
    now = ready(who)
    chances = [chance(10.0, 14), chance(25.0, 10), chance(3.0, 19)]
    assert now.recalled == pytest.approx(sum(chances), abs=1e-12)
    assert (now.on, now.of, now.started) == (day(11), 5, 3)
    spread = 1.28 * sqrt(sum(r * (1 - r) for r in chances))
    assert (now.low, now.high) == pytest.approx((now.recalled - spread, now.recalled + spread), abs=1e-12)


def test_the_range_ends_at_none_and_at_all():
    who, cards = learner(), deck(1)
    known(who, cards[0], 0.05, ago=7)
    now = ready(who)
    assert now.recalled == pytest.approx(chance(0.05, 21))
    assert (now.low, now.high) == (0.0, 1.0)


def test_other_learners_rows_never_count():
    who, other, cards = learner(), learner(), deck(2)
    known(other, cards[0], 10.0, due_in=-1, last_reviewed_on=TODAY, introduced_on=TODAY)
    known(other, cards[1], 10.0, due_in=1, suspended=True)
    known(who, cards[1], 10.0, due_in=2)
    now = ready(who)
    assert now.recalled == pytest.approx(chance(10.0, 14))
    assert (now.of, now.started) == (2, 1)
    assert [cell.recall is None for cell in now.topics[0].cells] == [True, False]
    assert ahead(who).late == 0
    assert [slip.card_id for slip in slipping(who)] == [cards[1].pk]


def test_without_a_card_there_is_nothing_to_be_ready_with():
    who = learner()
    now = ready(who)
    assert (now.recalled, now.of, now.low, now.high, now.started) == (0, 0, 0, 0, 0)
    assert now.keeping is None
    assert now.topics == ()
    assert slipping(who) == []
    waiting = ahead(who)
    assert (waiting.late, waiting.total, waiting.per_day) == (0, 0, 0)
    assert len(waiting.days) == 14


def three_topics(who: User) -> list[Card]:
    """Return 10, 10 and 5 cards; known are two of the first topic, one of the second, all of the third."""
    cards = deck(25)
    for n, stability in ((0, 5.0), (1, 30.0), (10, 12.0), *((n, 100.0) for n in range(20, 25))):
        known(who, cards[n], stability, ago=3)
    return cards


def test_topics_count_by_their_weights_scaled_to_the_cards_that_count():
    who = learner()
    three_topics(who)
    interview(who, day(8), Topic_1=2, Topic_3=0)
    now = ready(who)
    one, two, three = (chance(stability, 10) for stability in (5.0, 30.0, 12.0))
    assert now.of == 20
    assert now.started == 3
    assert now.recalled == pytest.approx(20 * (2 * one + 2 * two + three) / (2 * 10 + 10))
    inside = 4 * one * (1 - one) + 4 * two * (1 - two) + three * (1 - three)
    assert now.high - now.recalled == pytest.approx(1.28 * 20 * sqrt(inside) / 30)
    assert [topic.weight for topic in now.topics] == [2, 1, 0]
    assert now.topics[2].recalled == pytest.approx(5 * chance(100.0, 10))


def test_equal_weights_are_as_good_as_none():
    who = learner()
    three_topics(who)
    made = interview(who, day(8))
    plain = ready(who)
    for topic in plain.topics:
        InterviewTopic.objects.create(interview=made, topic=topic.topic, weight=3)
    weighed = ready(who)
    assert weighed.of == plain.of == 25
    for name in ("recalled", "low", "high", "keeping"):
        assert getattr(weighed, name) == pytest.approx(getattr(plain, name))


def test_when_no_topic_counts_no_card_does():
    who = learner()
    three_topics(who)
    interview(who, day(8), Topic_1=0, Topic_2=0, Topic_3=0)
    now = ready(who)
    assert (now.of, now.recalled, now.low, now.high, now.keeping) == (0, 0, 0, 0, None)
    assert [topic.cards for topic in now.topics] == [10, 10, 5]
    assert slipping(who) == []
    assert ahead(who).days[0].extra > 0  # they are in the queue all the same


def test_the_topics_together_are_the_total():
    who = learner()
    three_topics(who)
    now = ready(who)
    assert [(topic.topic.name, topic.cards) for topic in now.topics] == [
        ("Topic 1", 10),
        ("Topic 2", 10),
        ("Topic 3", 5),
    ]
    assert sum(topic.recalled for topic in now.topics) == pytest.approx(now.recalled)
    assert sum(topic.cards for topic in now.topics) == now.of
    for topic in now.topics:
        assert sum(cell.recall or 0 for cell in topic.cells) == pytest.approx(topic.recalled)
        assert sum(topic.bands) == topic.cards == len(topic.cells)


def test_cells_are_the_active_cards_of_a_topic_in_their_order():
    who, cards = learner(), deck(4)
    known(who, cards[2], 10.0)
    known(who, cards[1], 10.0, suspended=True)
    (topic,) = ready(who).topics
    assert [(cell.card_id, cell.question) for cell in topic.cells] == [
        (cards[n].pk, f"Question {n + 1}?") for n in (0, 2, 3)
    ]
    assert [cell.recall for cell in topic.cells] == [None, pytest.approx(chance(10.0, 14)), None]


def test_a_topic_of_more_than_20_cards_has_bands_but_no_cells():
    who, cards = learner(), deck(21)
    Card.objects.update(topic=cards[0].topic)
    known(who, cards[0], SURE)
    assert ready(who).topics[0].cells == ()
    assert ready(who).topics[0].bands == (0, 0, 0, 0, 1, 20)
    Card.objects.filter(pk=cards[20].pk).update(retired=True)
    assert len(ready(who).topics[0].cells) == 20


def test_a_topic_without_active_cards_is_left_out():
    who, cards = learner(), deck(11)
    Card.objects.filter(pk=cards[10].pk).update(retired=True)
    assert [topic.topic.name for topic in ready(who).topics] == ["Topic 1"]


def test_a_card_is_in_the_band_of_its_whole_per_cent():
    who, edges = learner(), (0.595, 0.745, 0.845, 0.925)
    factor = 0.9 ** (1 / -0.1542) - 1
    on_edge = [14 * factor / (edge ** (1 / -0.1542) - 1) for edge in edges]  # stability for that recall
    for one, stability in zip(deck(10), [s * by for s in on_edge for by in (0.999, 1.001)], strict=False):
        known(who, one, stability)
    (topic,) = ready(who).topics
    assert [round(100 * (cell.recall or 0)) for cell in topic.cells[:8]] == [59, 60, 74, 75, 84, 85, 92, 93]
    assert topic.bands == (1, 2, 2, 2, 1, 2)
    assert [cell.band for cell in topic.cells] == [0, 1, 1, 2, 2, 3, 3, 4, 5, 5]


def test_keeping_at_it_changes_nothing_where_nothing_comes_up_until_the_day():
    who, cards = learner(new_cards_per_day=0), deck(3)
    known(who, cards[0], 8.0, due_in=14)
    known(who, cards[1], 3.0, due_in=40)
    now = ready(who)
    assert now.keeping == pytest.approx(now.recalled)
    assert now.answers == (0.0,) * 14
    assert now.sampled == 0


def test_on_the_day_itself_there_is_no_time_to_keep_at_it():
    who, cards = learner(), deck(3)
    known(who, cards[0], 8.0, ago=5, due_in=-1)
    interview(who, TODAY)
    now = ready(who)
    assert now.on == TODAY
    assert now.recalled == now.keeping == pytest.approx(chance(8.0, 5))
    assert now.answers == ()


def test_keeping_at_it_adds_what_is_due_and_what_is_new():
    who, cards = learner(new_cards_per_day=1), deck(4)
    known(who, cards[0], 5.0, ago=6, due_in=0)
    now = ready(who)
    assert now.keeping is not None
    assert now.recalled + 1 < now.keeping < now.of
    assert now.runs >= 20


def test_the_same_question_gets_the_same_answer_with_and_without_the_cache():
    who = learner()
    three_topics(who)
    first = ready(who)
    assert ready(who) == first
    caches.look_empty()
    assert ready(who) == first


def test_what_is_kept_in_the_cache_is_never_outdated():
    who, cards = learner(new_cards_per_day=2), deck(5)
    before = ready(who)
    graded(who, cards[0], 4, at(1))
    after_an_answer = ready(who)
    assert (before.answers[0], after_an_answer.answers[0]) == (2, 1)
    who.new_cards_per_day = 4
    assert ready(who).answers[0] == 3
    interview(who, day(4))
    assert len(ready(who).answers) == 3


def test_a_cache_that_is_down_costs_time_only(settings):
    who = learner()
    three_topics(who)
    expected = ready(who)
    nowhere = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {"default": nowhere}
    assert ready(who) == expected


def test_answers_given_today_come_off_todays_limits():
    who, cards = learner(new_cards_per_day=2, reviews_per_day=3), deck(8)
    for one in cards[:5]:
        known(who, one, SURE, due_in=-1)
    graded(who, cards[0], 4, at(1))
    graded(who, cards[1], 4, at(1))
    assert ready(who).answers[:2] == (1.0, 4.0)  # one that is late, then the other two and two new ones


def test_the_runs_follow_the_plan():
    who, cards = learner(new_cards_per_day=0), deck(1)
    known(who, cards[0], SURE, ago=100, due_in=0, interval=100)
    interview(who, day(21))
    assert sum(ready(who).answers) == 1  # the next time is after the interview
    who.interview_on = day(21)
    planned = ready(who).answers
    assert sum(planned[:13]) == 1
    assert sum(planned[13:]) == 1


def test_of_many_cards_a_sample_stands_for_all(monkeypatch):
    who, cards = learner(new_cards_per_day=5, reviews_per_day=40), deck(600)
    ReviewState.objects.bulk_create(
        ReviewState(
            learner=who,
            card=one,
            repetitions=2,
            interval=6,
            due_on=TODAY + timedelta(n % 20 - 3),
            stability=4.0 + n % 17,
            difficulty=5.0,
            remembered_on=TODAY - timedelta(n % 7),
        )
        for n, one in enumerate(cards[:500])
    )
    interview(who, day(15), Topic_1=3, Topic_2=0)
    every = ready(who)
    monkeypatch.setattr(simulation, "MOST_CARDS", 150)
    some = ready(who)
    assert every.sampled == 0
    assert 100 <= some.sampled <= 150
    assert some.recalled == every.recalled
    assert some.keeping == pytest.approx(every.keeping, rel=0.03)
    assert sum(some.answers) == pytest.approx(sum(every.answers), rel=0.03)


def test_late_and_scheduled_are_counted_by_the_day_on_which_a_card_comes():
    who, cards = learner(new_cards_per_day=0), deck(9)
    for one, due_in in zip(cards, (-400, -1, 0, 3, 3, 14), strict=False):
        known(who, one, SURE, due_in=due_in, interval=100)
    known(who, cards[6], SURE, due_in=-5, interval=100, buried_on=TODAY)
    known(who, cards[7], SURE, due_in=-5, interval=100, suspended=True)
    known(who, cards[8], SURE, due_in=0, interval=100)
    Card.objects.filter(pk=cards[8].pk).update(retired=True)
    waiting = ahead(who)
    assert waiting.late == 2
    assert [one.scheduled for one in waiting.days] == [1, 1, 0, 2, *[0] * 10]
    assert [one.day for one in waiting.days] == [day(n) for n in range(1, 15)]
    assert [one.extra for one in waiting.days] == [0] * 14
    assert waiting.total == 6
    assert waiting.per_day == pytest.approx(6 / 14)


def test_extra_is_what_the_runs_add_to_what_is_scheduled():
    who, cards = learner(new_cards_per_day=1), deck(2)
    known(who, cards[0], SURE, due_in=0, interval=100)
    waiting = ahead(who)
    # A new card's first answer counts as missed in the runs, so it comes again on the next day.
    assert [(one.scheduled, one.extra) for one in waiting.days[:2]] == [(1, 1), (0, 1)]
    assert waiting.total == pytest.approx(1 + sum(one.extra for one in waiting.days))


def test_late_cards_and_those_that_a_limit_holds_back_are_counted_once():
    who, cards = learner(new_cards_per_day=0, reviews_per_day=2), deck(6)
    for one, due_in in zip(cards, (-2, -2, -1, 0, 0, 1), strict=True):
        known(who, one, SURE, due_in=due_in, interval=100)
    waiting = ahead(who)
    assert ready(who).answers[:4] == (2, 2, 2, 0)
    assert waiting.late == 3
    assert [(one.scheduled, one.extra) for one in waiting.days[:4]] == [(2, 0), (1, 0), (0, 0), (0, 0)]
    assert waiting.total == 6


@pytest.mark.parametrize(
    ("on", "last", "shown"), [(1, 1, 1), (6, 6, 6), (31, 31, 31), (32, 31, 31), (400, 31, 31)]
)
def test_the_days_ahead_end_with_the_interview_and_30_days_ahead_at_the_latest(on, last, shown):
    who, one = learner(new_cards_per_day=0), card()
    known(who, one, SURE, due_in=on - 1, interval=500)
    interview(who, day(on))
    waiting = ahead(who)
    assert (waiting.days[-1].day, len(waiting.days)) == (day(last), shown)
    assert waiting.days[-1].scheduled == (1 if on == last else 0)


def test_a_day_more_than_a_year_ahead_is_forecast_too():
    who, cards = learner(new_cards_per_day=0), deck(2)
    known(who, cards[0], 50.0, due_in=500, interval=500)
    known(who, cards[1], 50.0, due_in=3)
    interview(who, day(1_001))
    now = ready(who)
    assert now.recalled == pytest.approx(2 * chance(50.0, 1_000))
    assert now.keeping is not None
    assert now.recalled < now.keeping < 2


def test_most_likely_to_slip_are_the_started_cards_with_the_lowest_recall_then_the_most_missed():
    who, cards = learner(), deck(12)
    known(who, cards[0], 9.0, ago=2, lapses=1)
    known(who, cards[1], 2.0, ago=2, due_in=-3, buried_on=TODAY)
    known(who, cards[2], 9.0, ago=2, lapses=4, due_in=0)
    known(who, cards[3], 1.0, suspended=True)
    known(who, cards[4], 1.0)
    Card.objects.filter(pk=cards[4].pk).update(retired=True)
    known(who, cards[11], 0.5)
    interview(who, day(6), Topic_2=0)
    found = slipping(who)
    assert [(slip.card_id, slip.lapses, slip.due_on) for slip in found] == [
        (cards[1].pk, 0, day(2)),
        (cards[2].pk, 4, day(1)),
        (cards[0].pk, 1, day(31)),
    ]
    assert [slip.recall for slip in found] == pytest.approx([chance(2.0, 7), chance(9.0, 7), chance(9.0, 7)])
    assert (found[0].question, found[0].topic.name) == ("Question 2?", "Topic 1")
    assert [slip.card_id for slip in slipping(who, limit=1)] == [cards[1].pk]


def test_an_answer_counts_at_once():
    who, cards = learner(), deck(2)
    graded(who, cards[0], 4, at(1))
    held = state(who, cards[0])
    assert held.stability is not None
    assert ready(who).recalled == pytest.approx(chance(held.stability, 14))
    reviewing.undo(who, held.log.get().pk, at(1))
    assert (ready(who).recalled, ready(who).started) == (0, 0)


def statements(who: User) -> int:
    """Return how many statements all the figures take together."""
    with CaptureQueriesContext(connection) as captured:
        lead = lead_of(who)
        now = readiness.readiness(who, lead, TODAY)
        readiness.ahead(who, lead, TODAY, now)
        assert readiness.slipping(who, lead, TODAY)
    joins = [query["sql"].count('JOIN "flashcards_reviewstate"') for query in captured]
    assert max(joins) == 1  # a second one would find the same row at the same price
    return len(captured)


def test_all_figures_take_six_statements_at_most_with_few_cards_and_with_many():
    who = learner()
    interview(who, day(15))

    def grow(cards: list[Card]) -> None:
        ReviewState.objects.bulk_create(
            ReviewState(
                learner=who,
                card=one,
                due_on=day(n % 20),
                interval=1,
                stability=3.0,
                difficulty=5.0,
                remembered_on=TODAY,
            )
            for n, one in enumerate(cards)
            if n % 5
        )

    grow(deck(5))
    few = statements(who)
    grow(deck(1_995))
    assert statements(who) == few <= 6
