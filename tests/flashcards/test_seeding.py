"""The deck load: all or nothing, as often as one likes, and nobody's schedule notices."""

import json
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from flashcards import queue, rollup, seeding
from flashcards.deckfiles import SeedError
from flashcards.models import Card, Deck, ReviewLog, ReviewState, Topic
from tests import making
from tests.making import at, day

pytestmark = pytest.mark.django_db


def deck_object(key="metrics", **changes):
    return {"model": "flashcards.deck", "fields": {"key": key, "name": "Metrics"} | changes}


def topic_object(key="scores", position=1, deck="metrics", **changes):
    fields = {"deck": [deck], "key": key, "name": key.title(), "position": position}
    return {"model": "flashcards.topic", "fields": fields | changes}


def card_object(number=1, topic="scores", **changes):
    fields = {
        "topic": [topic],
        "key": f"card-{number}",
        "position": number,
        "question": f"Question {number}?",
        "answer": "One **line** to say.\n\nThen the substance.",
        "formula": r"\frac{a}{b}",
        "formula_note": "$a$ over $b$.",
        "practice": "Say 3 of 4.",
        "key_points": [{"text": f"Point {n}", "must": n == 1} for n in (1, 2, 3)],
        "follow_ups": [{"question": "Why?", "answer": "Because."}],
        "level": "mid",
    }
    return {"model": "flashcards.card", "fields": fields | changes}


def small_deck(cards=3):
    return [deck_object(), topic_object(), *(card_object(n) for n in range(1, cards + 1))]


@pytest.fixture
def file(tmp_path):
    """Return a function that writes objects to a fixture file and returns its path."""

    def write(objects, name="metrics.json"):
        path = tmp_path / name
        path.write_text(objects if isinstance(objects, str) else json.dumps(objects), "utf-8")
        return path

    return write


def tally(path):
    done = seeding.seed([path])
    return done.created, done.updated, done.unchanged, done.retired


def contents():
    models = (Deck, Topic, Card)
    return [list(model.objects.order_by("key").values()) for model in models]


def test_the_first_seed_creates_and_the_second_changes_nothing(file):
    path = file(small_deck())
    assert tally(path) == (3, 0, 0, 0)
    before = contents()
    assert tally(path) == (0, 0, 3, 0)
    assert contents() == before


def test_the_cards_come_with_their_html_and_in_their_topic(file):
    seeding.seed([file(small_deck())])
    card = Card.objects.select_related("topic__deck").get(key="card-2")
    assert card.html["lede"] == "One <strong>line</strong> to say."
    assert (card.topic.key, card.topic.deck.name, card.position) == ("scores", "Metrics", 2)


def test_an_edited_text_updates_the_card_and_leaves_its_schedule_alone(file):
    seeding.seed([file(small_deck())])
    who, card = making.learner(), Card.objects.get(key="card-1")
    making.answered(who, card, 4, 4, 2)
    before = list(ReviewState.objects.values()), list(ReviewLog.objects.values())
    edited = [deck_object(), topic_object(), card_object(1, answer="Another line."), *small_deck()[3:]]
    assert tally(file(edited)) == (0, 1, 2, 0)
    card.refresh_from_db()
    assert (card.answer, card.html["lede"]) == ("Another line.", "Another line.")
    assert (list(ReviewState.objects.values()), list(ReviewLog.objects.values())) == before
    making.proven(who)


def test_a_card_that_left_is_retired_once_and_comes_back_with_its_schedule(file):
    seeding.seed([file(small_deck())])
    who, card = making.learner(), Card.objects.get(key="card-3")
    state = making.answered(who, card, 4)
    assert tally(file(small_deck(2))) == (0, 0, 2, 1)
    assert tally(file(small_deck(2))) == (0, 0, 2, 0)
    card.refresh_from_db()
    assert card.retired
    assert card not in making.walk(who, at(5))
    assert tally(file(small_deck(3))) == (0, 1, 2, 0)
    card.refresh_from_db()
    assert not card.retired
    assert making.state(who, card) == state
    assert state.due_on == day(2)


def test_cards_of_other_decks_are_left_alone(file):
    others = making.deck(3)
    seeding.seed([file(small_deck())])
    assert Card.objects.filter(pk__in=[card.pk for card in others], retired=False).count() == 3


def test_cards_may_change_places_and_topics(file):
    seeding.seed([file(small_deck())])
    moved = [deck_object(), topic_object(), topic_object("costs", 2)]
    moved += [card_object(1, position=3), card_object(2, "costs"), card_object(3, position=1)]
    assert tally(file(moved)) == (0, 3, 0, 0)
    assert list(Card.objects.order_by("position").values_list("key", "topic__key")) == [
        ("card-3", "scores"),
        ("card-2", "costs"),
        ("card-1", "scores"),
    ]


def test_topics_may_swap_places_and_one_that_left_makes_room(file):
    def seed(*names):
        topics = [topic_object(name, place) for place, name in enumerate(names, start=1)]
        seeding.seed([file([deck_object(), *topics, card_object(1, names[0])])])
        return list(Topic.objects.order_by("position").values_list("key", flat=True))

    assert seed("one", "two", "three") == ["one", "two", "three"]
    assert seed("two", "one", "three") == ["two", "one", "three"]
    assert seed("three", "four") == ["three", "four", "two", "one"]
    assert seed("three", "four") == ["three", "four", "two", "one"]
    assert seed("one", "two", "three") == ["one", "two", "three", "four"]


def test_a_new_name_of_deck_or_topic_is_taken_over(file):
    seeding.seed([file(small_deck())])
    renamed = [deck_object(name="Numbers"), topic_object(name="Rates"), *small_deck()[2:]]
    assert tally(file(renamed)) == (0, 0, 3, 0)
    assert (Deck.objects.get().name, Topic.objects.get().name) == ("Numbers", "Rates")


def test_a_deck_may_come_in_several_files_in_any_order(file):
    whole = small_deck()
    seeding.seed([file(whole[3:], "b.json"), file(whole[:3], "a.json")])
    assert Card.objects.count() == 3


def test_a_dump_of_the_database_can_be_seeded_again(file, tmp_path):
    seeding.seed([file(small_deck())])
    dump = tmp_path / "dump.json"
    call_command(
        "dumpdata",
        "flashcards.deck",
        "flashcards.topic",
        "flashcards.card",
        natural_primary=True,
        natural_foreign=True,
        output=str(dump),
        verbosity=0,
    )
    assert tally(dump) == (0, 0, 3, 0)


def test_plain_loaddata_reads_the_file_too_and_leaves_the_html_to_the_next_seed(file):
    path = file(small_deck())
    call_command("loaddata", str(path), verbosity=0)
    assert Card.objects.filter(html={}).count() == 3
    assert tally(path) == (0, 3, 0, 0)
    call_command("loaddata", str(path), verbosity=0)
    assert Card.objects.filter(html={}).count() == 3
    assert Card.objects.count() == 3


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        (
            [deck_object(), topic_object(), card_object(1), card_object(2, formula=r"\frac{")],
            ["card-2", "formula"],
        ),
        (
            [deck_object(), topic_object(), card_object(answer="Bad $x^$.")],
            ["card-1", "answer: Line 1, column 5"],
        ),
        ([deck_object(), topic_object(), card_object(key_points=[])], ["card-1", "key_points", "3 to 6"]),
        ([deck_object(), topic_object(), card_object(level="guru")], ["card-1", "level", "guru"]),
        ([deck_object(), topic_object(), card_object(question="")], ["card-1", "question"]),
        ([deck_object(), topic_object(), card_object(colour="red")], ["card-1", "colour", "no such field"]),
        (
            [deck_object(), topic_object(), card_object(1, "nowhere")],
            ["card-1", "topic", "nowhere", "add it"],
        ),
        (
            [deck_object(), topic_object(), card_object() | {"model": "auth.group"}],
            ["object 3", "auth.group"],
        ),
        ([deck_object(), topic_object(), card_object(), card_object(1, position=2)], ["card-1", "twice"]),
        (
            [deck_object(), topic_object(), card_object(1), card_object(2, position=1)],
            ["card-2", "position 1"],
        ),
        ([deck_object(), topic_object(deck="other")], ["topic “scores”", "deck", "other"]),
        ([deck_object(), topic_object("a"), topic_object("b")], ["“a” and “b”", "position 1"]),
        ([deck_object(name=""), topic_object()], ["deck “metrics”", "name"]),
        ([deck_object(), topic_object(position=-1)], ["topic “scores”", "position"]),
        ([deck_object(), topic_object(), {"model": "flashcards.card", "fields": {}}], ["object 3", "key"]),
        (
            [deck_object(), {"model": "flashcards.topic", "fields": {"key": "x", "deck": 1}}],
            ["x", "in a list"],
        ),
        ([deck_object(), "nonsense"], ["object 2", "flashcards.card"]),
        ({"model": "flashcards.deck"}, ["list of objects"]),
        ('[{"model": "flashcards.deck",]', ["line 1, column 30", "JSON"]),
    ],
)
def test_one_fault_is_named_and_nothing_changes(file, objects, words):
    making.deck(1)
    before = contents()
    with pytest.raises(SeedError) as refusal:
        seeding.seed([file(objects)])
    for word in words:
        assert word in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert contents() == before


def test_a_missing_file_and_bytes_that_are_no_text_are_named(tmp_path):
    with pytest.raises(SeedError, match=r"nope\.json: There is no such file"):
        seeding.seed([tmp_path / "nope.json"])
    with pytest.raises(SeedError, match="can't be read"):
        seeding.seed([tmp_path])
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    with pytest.raises(SeedError, match="UTF-8"):
        seeding.seed([tmp_path / "latin.json"])


@pytest.mark.parametrize("same", ["topic", "card"])
def test_a_key_that_another_deck_uses_is_refused(file, same):
    seeding.seed([file(small_deck())])
    before = contents()
    other = [deck_object("other"), topic_object("scores" if same == "topic" else "rates", deck="other")]
    other += [card_object(1, "rates")] if same == "card" else []
    with pytest.raises(SeedError, match="already in another deck than “other”"):
        seeding.seed([file(other, "other.json")])
    assert contents() == before


def test_a_seed_takes_few_statements_whatever_the_size(file, django_assert_max_num_queries):
    path = file(small_deck(200))
    with django_assert_max_num_queries(16):
        seeding.seed([path])
    with django_assert_max_num_queries(11):
        seeding.seed([path])


def test_topics_know_how_many_cards_they_have_after_each_seed(file):
    def counts():
        return dict(Topic.objects.filter(deck__key="metrics").values_list("key", "card_count"))

    seeding.seed([file([*small_deck(4), topic_object("other", position=2)])])
    assert counts() == {"scores": 4, "other": 0}
    moved = [deck_object(), topic_object(), topic_object("other", position=2)]
    seeding.seed([file([*moved, card_object(1), card_object(2, topic="other"), card_object(3)])])
    assert counts() == {"scores": 2, "other": 1}
    seeding.seed([file([deck_object(), topic_object("other", position=2), card_object(2, topic="other")])])
    assert counts() == {"scores": 0, "other": 1}


@pytest.mark.django_db(transaction=True)
def test_two_seeds_at_once_do_the_work_once(file):
    path, done = file(small_deck(20)), []
    start = threading.Barrier(2)

    def run():
        try:
            start.wait()
            done.append(tally(path))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [(0, 0, 20, 0), (20, 0, 0, 0)]


def test_the_command_says_what_it_did(file):
    path, out = file(small_deck()), StringIO()
    call_command("seed", str(path), stdout=out)
    call_command("seed", str(path), stdout=out)
    assert out.getvalue().splitlines() == [
        "3 cards: 3 created, 0 updated, 0 unchanged, 0 retired.",
        "3 cards: 0 created, 0 updated, 3 unchanged, 0 retired.",
    ]


def test_the_command_fails_with_one_sentence(file):
    with pytest.raises(CommandError, match=r"^Nothing was changed\. .*card “card-1”: formula: "):
        call_command("seed", str(file([deck_object(), topic_object(), card_object(formula="{")])))
    assert not connection.needs_rollback


@pytest.mark.parametrize("how", ["added", "moved", "back in the files"])
def test_whoever_is_past_a_card_s_place_meets_it_all_the_same(file, how):
    late = card_object(9, position=1)
    before = {
        "added": small_deck(2),
        "moved": [*small_deck(2), card_object(9, position=9)],
        "back in the files": [*small_deck(2), late],
    }[how]
    ones = [{**entry, "fields": entry["fields"] | {"position": entry["fields"]["position"] + 1}}
            if entry["model"] == "flashcards.card" and entry["fields"]["key"] != "card-9" else entry
            for entry in before]  # fmt: skip
    seeding.seed([file(ones)])
    if how == "back in the files":
        seeding.seed([file([entry for entry in ones if entry != late])])
    who = making.learner()
    for key in ("card-1", "card-2"):
        making.graded(who, Card.objects.get(key=key), 4, at(1))
    rollup.begin(who, day(2))
    seeding.seed([file([entry for entry in ones if entry["fields"]["key"] != "card-9"] + [late])])
    assert queue.counts(who, day(2)).first_new == Card.objects.get(key="card-9").pk
