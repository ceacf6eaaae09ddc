"""Very many cards: what is estimated agrees with what is exact, counts are exact, pages stay small."""

import gzip
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from flashcards import estimating, many_sql, parts, readiness, recall, sampling
from flashcards.models import Card, DayStat, Deck, Interview, InterviewTopic, ReviewState, Topic
from flashcards.readiness import Readiness
from tests.making import at, card, day, deck, learner, scheduled
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db

TODAY = day(100)
URL = "/dashboard/"


@pytest.fixture
def _many(monkeypatch):
    """Let what takes thousands of cards begin at a hundred, and a sample have a hundred of them."""
    monkeypatch.setattr(recall, "MOST_CARDS", 100)
    monkeypatch.setattr(many_sql, "MOST_STATES", 200)
    monkeypatch.setattr(sampling, "SAMPLE", 200)
    monkeypatch.setattr(estimating, "MOST_WHOLE", 0)


def states(who: User, cards: list[Card], seed: int = 1) -> None:
    """Draw a state for each card: stable and shaky, due and late, a few suspended or buried."""
    chance = Random(seed)
    ReviewState.objects.bulk_create(
        ReviewState(
            learner=who,
            card=one,
            repetitions=2,
            interval=6,
            due_on=TODAY + timedelta(chance.randint(-3, 40)),
            introduced_on=day(50),
            lapses=chance.randint(0, 3),
            stability=chance.lognormvariate(2.5, 1.2),
            difficulty=5.0,
            remembered_on=TODAY - timedelta(chance.randint(0, 30)),
            shuffle=chance.randrange(2**31),
            suspended=not chance.randrange(50),
            buried_on=TODAY if not chance.randrange(50) else None,
        )
        for one in cards
    )


def interview(who: User, **weights: int) -> None:
    """Store an interview in three weeks; weights are by the name of the topic."""
    made = Interview.objects.create(learner=who, company="Acme", on=TODAY + timedelta(21))
    for name, weight in weights.items():
        for topic in Topic.objects.filter(name=name.replace("_", " ")):
            InterviewTopic.objects.create(interview=made, topic=topic, weight=weight)


def ready(who: User, on: Any = TODAY) -> Readiness:
    return readiness.readiness(who, readiness.leading(who, TODAY), on)


def exactly(who: User, monkeypatch: pytest.MonkeyPatch) -> Readiness:
    with monkeypatch.context() as patch:
        patch.setattr(recall, "MOST_CARDS", 10_000)
        found = ready(who)
    assert found.estimate is None
    return found


def drawn(monkeypatch: pytest.MonkeyPatch, cards: int = 1_500) -> tuple[User, Readiness]:
    """Return a learner who has begun nearly all of very many cards, and what is exact."""
    who, made = learner(new_cards_per_day=5, reviews_per_day=60), deck(cards)
    states(who, made[: cards - 20])
    Card.objects.filter(pk__in=[one.pk for one in made[5::150]]).update(retired=True)
    interview(who, Topic_1=0, Topic_2=3, Topic_3=2)
    return who, exactly(who, monkeypatch)


@pytest.mark.usefixtures("_many")
def test_a_sample_is_within_the_stated_range_of_what_is_exact(monkeypatch):
    who, exact = drawn(monkeypatch)
    lead = readiness.leading(who, TODAY)
    found = [estimating.estimate(who, lead, TODAY + timedelta(n), TODAY, parts.MOST_TOPICS) for n in range(8)]
    for one in found:
        assert 150 <= one.looked <= 230
        assert one.totals.of == pytest.approx(exact.of, rel=0.02)
        scale = one.totals.of / one.totals.weight
        spread = scale * one.totals.variance**0.5
        assert abs(scale * one.totals.recalled - exact.recalled) < 3 * spread
    inside = [
        abs(one.totals.of / one.totals.weight * one.totals.recalled - exact.recalled)
        < 1.28 * one.totals.of / one.totals.weight * one.totals.variance**0.5
        for one in found
    ]
    assert sum(inside) >= 5  # of the eight samples that there are, 80% in the long run


@pytest.mark.usefixtures("_many")
def test_the_range_is_widened_by_what_a_sample_may_be_off_by(monkeypatch):
    who, exact = drawn(monkeypatch)
    some = ready(who)
    assert some.estimate
    assert some.high - some.low > 1.5 * (exact.high - exact.low)
    assert some.low < exact.recalled < some.high
    assert some.keeping == pytest.approx(exact.keeping, rel=0.05)
    assert sum(some.answers) == pytest.approx(sum(exact.answers), rel=0.1)


def test_the_cards_that_come_up_are_the_same_with_and_without_their_places():
    who, made = learner(), deck(120)
    states(who, made)
    Card.objects.filter(pk__in=[one.pk for one in made[::9]]).update(retired=True)
    days, until = [TODAY + timedelta(n) for n in range(-1, 30)], TODAY + timedelta(14)
    placed, unplaced = (
        sorted(many_sql.coming(who, TODAY, days, until, 1.0, placed=placed), key=lambda row: row.shuffle)
        for placed in (True, False)
    )
    assert len(placed) > 30
    assert [row[2:] for row in placed] == [row[2:] for row in unplaced]
    assert {row.topic for row in unplaced} == {row.position for row in unplaced} == {0}
    assert all(row.topic and row.position for row in placed)


@pytest.mark.usefixtures("_many")
def test_without_an_interview_the_runs_come_to_what_they_do_with_all_cards(monkeypatch):
    who, made = learner(new_cards_per_day=5, reviews_per_day=60), deck(1_500)
    states(who, made[:1_480])
    Card.objects.filter(pk__in=[one.pk for one in made[5::50]]).update(retired=True)
    exact, some = exactly(who, monkeypatch), ready(who)
    assert some.estimate
    assert some.keeping == pytest.approx(exact.keeping, rel=0.05)
    assert sum(some.answers) == pytest.approx(sum(exact.answers), rel=0.1)


@pytest.mark.usefixtures("_many")
def test_what_is_due_is_counted_exactly_however_many_cards(monkeypatch):
    who, exact = drawn(monkeypatch)
    lead = readiness.leading(who, TODAY)
    some, every = ready(who), readiness.ahead(who, lead, TODAY, exact)
    ahead = readiness.ahead(who, lead, TODAY, some)
    assert ahead.late == every.late > 0
    assert [one.scheduled for one in ahead.days] == [one.scheduled for one in every.days]


@pytest.mark.usefixtures("_many")
def test_with_few_begun_of_very_many_cards_nothing_is_estimated(monkeypatch):
    who, made = learner(new_cards_per_day=3), deck(400)
    states(who, made[:150])
    Card.objects.filter(pk=made[7].pk).update(retired=True)
    interview(who, Topic_1=2, Topic_4=0)
    exact, some = exactly(who, monkeypatch), ready(who)
    assert some.estimate
    assert some.estimate.looked == 0
    for name in ("of", "started"):
        assert getattr(some, name) == getattr(exact, name)
    for name in ("recalled", "low", "high", "scale"):
        assert getattr(some, name) == pytest.approx(getattr(exact, name))
    assert some.keeping == pytest.approx(exact.keeping, rel=0.03)
    (shown,), (expected,) = some.decks, exact.decks
    assert (shown.deck, shown.cards, shown.bands) == (expected.deck, expected.cards, expected.bands)
    assert shown.recalled == pytest.approx(expected.recalled)
    lead = readiness.leading(who, TODAY)
    lowest = readiness.at_risk(who, lead, TODAY, some, limit=16)
    assert [(one.card_id, one.due_on, one.lapses, one.topic) for one in lowest] == [
        (one.card_id, one.due_on, one.lapses, one.topic)
        for one in readiness.slipping(who, lead, TODAY, limit=16)
    ]


@pytest.mark.usefixtures("_many")
def test_of_a_sample_the_cards_at_risk_are_the_lowest_that_were_looked_at_and_others_on_another_day(
    monkeypatch,
):
    who, _ = drawn(monkeypatch)
    lead = readiness.leading(who, TODAY)
    today, tomorrow = (
        readiness.at_risk(who, lead, TODAY, ready(who, TODAY + timedelta(n))) for n in range(2)
    )
    recalls = [slip.recall for slip in today]
    assert recalls == sorted(recalls)
    assert not {slip.card_id for slip in today} & {slip.card_id for slip in tomorrow}
    left_out = set(lead.left_out())
    assert not {slip.topic.pk for slip in today + tomorrow} & left_out
    hundred = {slip.card_id for slip in readiness.slipping(who, lead, TODAY, limit=150)}
    assert {slip.card_id for slip in today} <= hundred


@pytest.mark.usefixtures("_many")
def test_keys_that_lie_far_apart_still_give_a_sample(monkeypatch):
    who, _ = drawn(monkeypatch, 600)
    far = Card.objects.create(
        pk=max(Card.objects.values_list("pk", flat=True)) + 2_000,
        topic=Topic.objects.all()[0],
        key="far",
        position=9_999,
        question="?",
        answer="!",
    )
    states(who, [far])
    exact, some = exactly(who, monkeypatch), ready(who)
    assert some.estimate
    assert some.estimate.looked >= 100
    assert some.low < exact.recalled < some.high


@pytest.mark.usefixtures("_many")
def test_small_decks_are_looked_at_whole_however_many_cards_others_have(monkeypatch):
    monkeypatch.setattr(estimating, "MOST_WHOLE", 40)
    small, other = deck(12), deck(25)
    who, _ = drawn(monkeypatch, 600)
    states(who, [*small[:9], *other], seed=2)
    exact, some = exactly(who, monkeypatch), ready(who)
    assert some.estimate
    assert some.estimate.looked < 0.5 * some.started
    shown = [(one.deck, one.cards, one.bands, one.recalled) for one in some.decks]
    expected = [(one.deck, one.cards, one.bands, one.recalled) for one in exact.decks]
    for mine, theirs in zip(shown[:2], expected[:2], strict=True):
        assert mine[:3] == theirs[:3]
        assert mine[3] == pytest.approx(theirs[3])
    assert shown[2][1:] != expected[2][1:]
    assert some.low < exact.recalled < some.high


@pytest.mark.usefixtures("_many")
def test_up_to_20_topics_are_shown_by_topic_with_the_cards_of_small_ones():
    who, made = learner(), deck(150)
    states(who, made)
    some = ready(who)
    assert some.estimate
    assert [topic.topic.name for topic in some.topics] == [f"Topic {n}" for n in range(1, 16)]
    assert sum(topic.cards for topic in some.topics) == some.of
    assert all(len(topic.cells) == topic.cards == sum(topic.bands) for topic in some.topics)
    assert not some.decks


def test_more_than_20_topics_are_shown_by_deck_also_where_all_is_exact():
    who, made, other = learner(), deck(250), card()
    states(who, [*made[:100], other])
    exact = ready(who)
    assert exact.estimate is None
    assert [(one.deck, one.cards) for one in exact.decks] == [
        (made[0].topic.deck, sum(topic.cards for topic in exact.topics) - exact.topics[-1].cards),
        (other.topic.deck, exact.topics[-1].cards),
    ]
    assert sum(one.recalled for one in exact.decks) == pytest.approx(exact.recalled)
    assert all(sum(one.bands) == one.cards for one in exact.decks)


@pytest.mark.parametrize("begun", [0, 150, 480])
@pytest.mark.parametrize("topics", [15, 50])
@pytest.mark.usefixtures("_many")
def test_the_page_of_very_many_cards_takes_at_most_12_statements(time_machine, begun, topics):
    time_machine.move_to(at(100), tick=False)
    who, made = learner(), deck(10 * topics)
    states(who, made[:begun])
    interview(who, Topic_1=2)
    assert statements(client_of(who), URL) <= 12


@pytest.mark.usefixtures("_many")
def test_it_takes_no_more_after_days_away_with_keys_far_apart_and_small_topics(time_machine):
    time_machine.move_to(at(100), tick=False)
    who, made = learner(), deck(600)
    Topic.objects.filter(pk__in={one.topic_id for one in made[170:]}).delete()
    states(who, made[:165])
    first = Card.objects.order_by("pk")[0].pk
    for number in range(60):  # few of the keys that are tried are there
        far = Card(
            pk=first + 900 * (number + 1), topic=made[0].topic, key=f"far-{number}", position=900 + number
        )
        far.save()
        states(who, [far])
    DayStat.objects.create(learner=who, day=TODAY - timedelta(5), answers=3)
    DayStat.objects.create(learner=who, day=TODAY - timedelta(2), answers=0, unbroken=True)
    client = client_of(who)
    client.get(URL)
    with CaptureQueriesContext(connection) as captured:
        assert "Topic 17" in html_of(client.get(URL))
    sent = [query["sql"] for query in captured]
    assert sum("every(card)" in sql for sql in sent) == 2
    assert len(sent) <= 12


@pytest.mark.usefixtures("_many")
def test_the_page_says_from_how_many_cards_it_was_estimated(time_machine, monkeypatch):
    time_machine.move_to(at(100), tick=False)
    who, _ = drawn(monkeypatch)
    some = ready(who)
    assert some.estimate
    said = words_of(html_of(client_of(who).get(URL)))
    assert f"Estimate from {some.estimate.looked} of your {some.started:,} cards" in said
    assert f"we look at {some.estimate.looked} of them" in said
    assert f"Of the {some.estimate.looked} cards we look at today" in said


def test_two_thousand_topics_make_a_light_page_of_20_decks_and_a_sentence(time_machine):
    time_machine.move_to(at(100), tick=False)
    decks = Deck.objects.bulk_create(Deck(key=f"d{n}", name=f"Deck {n}") for n in range(25))
    topics = Topic.objects.bulk_create(
        Topic(deck=decks[n % 25], key=f"t{n}", name=f"A topic with a long name {n}", position=n)
        for n in range(2_000)
    )
    made = Card.objects.bulk_create(
        Card(
            topic=topics[n % 2_000],
            deck_number=topics[n % 2_000].deck_id,
            key=f"c{n}",
            position=n,
            question=f"A question {n}?",
            answer="!",
        )
        for n in range(4_100)
    )
    who = learner()
    scheduled(who, made[0], TODAY)
    for url in (URL, "/dashboard/sheet/"):
        page = client_of(who).get(url)
        assert len(gzip.compress(page.content)) < 60_000
    html = html_of(client_of(who).get(URL))
    assert "And 5 smaller decks with 820 cards in all." in words_of(html)
    assert len([row for row in cells_of(html) if row[0].startswith("Deck ")]) == 2 * 20
