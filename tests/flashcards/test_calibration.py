"""How good the forecast has been: by hand, on a learner of known recall, and as the page says it."""

import random
import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from django.urls import reverse

from accounts.models import User
from flashcards import calibration, reviewing
from flashcards.calibration import Calibration
from flashcards.drawing.reliability import per_cent
from flashcards.models import Card, ReviewLog
from flashcards.scheduling import memory
from flashcards.scheduling.evaluation import ENOUGH, Band, Pair
from flashcards.views import forecast
from tests.making import at, card, day, deck, graded, learner, scheduled
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db

# Recall a day after a first Again, Hard, Good and Easy, from the published stabilities by the formula.
AFTER = {2: 0.766196, 3: 0.916670, 4: 0.946847, 5: 0.982923}
# What is graded on the first day and on the second, in the order of the second day's answers.
TWO_DAYS = [*[(4, 4)] * 6, (4, 2), (4, 3), *[(4, 4)] * 2, *[(5, 5)] * 6, (2, 2), (2, 4), (2, 1), (2, 0)]

NUMBERS = re.compile(r"\d[\d,]*(?:\.\d+)?")


@pytest.fixture
def who() -> User:
    return learner()


def of(who: User) -> Calibration:
    return calibration.calibration(who)


def answered_twice(who: User, answers: list[tuple[int, int]], since: int = 1) -> list[Card]:
    """Answer a card for each pair on one day and on the next; return the cards."""
    cards = deck(len(answers))
    for n, (what, (first, _)) in enumerate(zip(cards, answers, strict=True)):
        graded(who, what, first, at(since) + timedelta(minutes=n))
    for n, (what, (_, second)) in enumerate(zip(cards, answers, strict=True)):
        graded(who, what, second, at(since + 1) + timedelta(minutes=n))
    return cards


def log_of(who: User, pairs: list[Pair]) -> None:
    """Write answers with these predictions straight into the log, a hundred to a card."""
    cards = iter(deck(1 + len(pairs) // 100))
    rows = []
    for n, (predicted, passed) in enumerate(pairs):
        if n % 100 == 0:
            state = scheduled(who, next(cards), day(1))
        rows.append(
            ReviewLog(
                learner=who,
                state=state,
                sequence=n % 100 + 1,
                kind="review",
                grade=4 if passed else 2,
                at=at(1) + timedelta(minutes=n),
                zone="UTC",
                study_day=day(1) + timedelta(days=n // 100),
                predicted=predicted,
                interval_before=6,
                repetitions=1,
                ease=250,
                interval=6,
                drill=False,
                due_on=day(9),
                lapses=0,
                scheduler="sm2",
                scheduler_version=1,
            )
        )
    ReviewLog.objects.bulk_create(rows, batch_size=1_000)


def known_learner(seed: int, share: float = 1.0, answers: int = 2_000) -> list[Pair]:
    """Return what FSRS foresees of a learner who recalls as it says, or by a share of that less."""
    chance = random.Random(seed)
    pairs = list[Pair]()
    while len(pairs) < answers:
        on = day(1)
        held = memory.after(None, 4, on)
        for _ in range(12):
            on += timedelta(days=chance.randint(1, min(900, 1 + 3 * round(held.stability))))
            predicted = memory.recall(held, on)
            passed = chance.random() < share * predicted
            pairs.append((predicted, passed))
            held = memory.after(held, 4 if passed else 2, on)
    return pairs[:answers]


def page(who: User) -> str:
    return html_of(client_of(who).get(reverse("forecast")))


# What counts


def test_a_second_days_answers_are_scored_by_what_the_first_made_foreseeable(who):
    answered_twice(who, [(grade, 4) for grade in AFTER])
    pairs = calibration.scored(who)
    assert [predicted for predicted, _ in pairs] == pytest.approx(list(AFTER.values()), abs=1e-6)


def test_recalled_is_a_grade_of_three_and_more(who):
    answered_twice(who, [(4, grade) for grade in range(6)])
    assert [passed for _, passed in calibration.scored(who)] == [False, False, False, True, True, True]


def test_neither_first_answers_nor_a_days_second_ones_are_scored(who):
    what = card()
    graded(who, what, 2, at(1, 9))
    graded(who, what, 4, at(1, 10))
    assert calibration.scored(who) == []
    graded(who, what, 2, at(2, 9))
    graded(who, what, 4, at(2, 10))
    assert [passed for _, passed in calibration.scored(who)] == [False]


def test_an_answer_that_is_taken_back_leaves_and_its_correction_counts(who):
    what = answered_twice(who, [(4, 4), (4, 2)])[1]
    row = ReviewLog.objects.filter(learner=who).latest("pk")
    reviewing.undo(who, row.pk, at(2, 13))
    assert [passed for _, passed in calibration.scored(who)] == [True]
    graded(who, what, 5, at(2, 14))
    assert [passed for _, passed in calibration.scored(who)] == [True, True]


def test_another_learners_answers_are_never_counted(who):
    stranger = learner()
    cards = answered_twice(stranger, TWO_DAYS)
    assert of(who) == Calibration(0, 0, None)
    for what in cards[:2]:
        graded(who, what, 4, at(1))
        graded(who, what, 2, at(2))
    row = ReviewLog.objects.filter(learner=who).latest("pk")
    reviewing.undo(who, row.pk, at(2, 13))
    assert of(who) == Calibration(1, 0, None)
    assert of(stranger).scored == 20


def test_below_twenty_answers_nothing_is_said(who):
    answered_twice(who, TWO_DAYS[:19])
    assert of(who) == Calibration(19, 16, None)
    answered_twice(who, [(4, 4)], since=5)
    assert of(who).evidence is not None


def test_twenty_answers_by_hand(who):
    answered_twice(who, TWO_DAYS)
    found = of(who)
    assert (found.scored, found.recalled) == (20, 16)
    said = found.evidence
    assert said is not None
    assert said.predicted == pytest.approx(0.921540, abs=1e-6)
    assert said.actual == pytest.approx(0.8)
    assert said.interval == pytest.approx((0.583983, 0.919342), abs=1e-6)
    assert not said.calibrated
    assert [(band.low, band.n, band.recalled) for band in said.bands] == [
        (0.7, 4, 1),
        (0.9, 10, 9),
        (0.95, 6, 6),
    ]
    assert [band.predicted for band in said.bands] == pytest.approx([AFTER[2], AFTER[4], AFTER[5]], abs=1e-6)


def test_the_forecast_and_the_past_mean_are_judged_on_the_same_answers(who):
    answered_twice(who, TWO_DAYS)
    said = of(who).evidence
    assert said is not None
    assert said.compared == 19
    assert (said.forecast.log_loss, said.forecast.brier) == pytest.approx((0.426369, 0.144037), abs=1e-6)
    assert (said.past_mean.log_loss, said.past_mean.brier) == pytest.approx((0.898312, 0.183214), abs=1e-6)


# A learner of known recall


def test_of_learners_who_recall_as_foreseen_one_band_in_twenty_lies_outside_and_no_more():
    evidence = [calibration.of(known_learner(seed, answers=1_000)).evidence for seed in range(1, 41)]
    bands = [band for said in evidence if said for band in said.bands if band.n >= ENOUGH]
    assert len(bands) > 160
    outside = sum(not band.calibrated for band in bands)
    assert len(bands) < 50 * outside < 4 * len(bands)  # between 2 and 8%
    better = [said for said in evidence if said and said.forecast.log_loss < said.past_mean.log_loss]
    assert len(better) >= 36


def test_such_a_learners_page_says_that_chance_explains_it(who):
    log_of(who, known_learner(1))
    html = page(who)
    assert "Chance alone can explain that" in html
    assert "the prediction lies inside the likely range" in html
    assert "too high" not in html
    assert "outside</strong>" not in html


def test_a_learner_who_recalls_a_fifth_less_is_shown_outside_in_every_large_band(who):
    log_of(who, known_learner(1, share=0.8))
    said = of(who).evidence
    assert said is not None
    assert not said.calibrated
    large = [band for band in said.bands if band.n >= 100]
    assert len(large) >= 4
    assert all(not band.calibrated and band.actual < band.predicted for band in large)
    words = words_of(page(who))
    assert "That’s more than chance explains: so far the forecast is too high for you." in words
    assert re.search(r"Outside the likely range in \d of \d bands with 20 answers or more: ", words)


# The page


@pytest.mark.parametrize("answers", [0, 19])
def test_the_page_says_how_much_evidence_is_missing_and_what_is_measured(who, answers):
    if answers:
        answered_twice(who, TWO_DAYS[:answers])
    html = page(who)
    assert f"Not enough evidence yet: {answers} of 20 answers." in html
    assert "What is measured" in html
    assert f'href="{reverse("today")}"' in html
    assert "<svg" not in html.split("<main")[1]
    assert "%" not in words_of(html.split("<main")[1])


def test_at_twenty_answers_the_page_says_the_errors_and_no_bands_rate(who):
    answered_twice(who, TWO_DAYS)
    html = page(who)
    words = words_of(html)
    assert (
        "Across 20 answers we predicted 92% and you recalled 80%. That’s more than chance explains" in words
    )
    assert "No band has 20 answers yet" in words
    assert "The forecast is closer than your own past mean" in words
    assert cells_of(html) == [
        ["70–80%", "76.6%", "1 of 4", "–", "–", "too few to say"],
        ["90–95%", "94.7%", "9 of 10", "–", "–", "too few to say"],
        ["95–100%", "98.3%", "6 of 6", "–", "–", "too few to say"],
        ["This forecast", "0.4264", "0.1440", "19"],
        ["Your own past mean", "0.8983", "0.1832", "19"],
    ]
    assert "plot" not in html


def test_the_drawing_says_what_the_table_says(who):
    log_of(who, known_learner(1))
    html = page(who)
    drawn = [NUMBERS.findall(title) for title in re.findall(r"<title>(Predicted [\d].*?)</title>", html)]
    rows = [row for row in cells_of(html) if row[-1] in ("inside", "outside")]
    told = [NUMBERS.findall(" ".join(row[1:5])) for row in rows]
    assert drawn == told * 2  # wide and narrow
    assert len(told) >= 4


def test_the_drawings_are_named_and_say_the_finding(who):
    log_of(who, known_learner(1))
    html = page(who)
    drawings = [ET.fromstring(svg) for svg in re.findall(r"<svg[^>]*plot.*?</svg>", html)]
    assert [svg.get("class") for svg in drawings] == ["chart plot wide", "chart plot narrow"]
    said = of(who).evidence
    assert said is not None
    finding = forecast.bands_say([band for band in said.bands if band.n >= ENOUGH])
    for svg in drawings:
        title, finding_said, *_ = svg
        assert svg.get("aria-labelledby") == f"{title.get('id')} {finding_said.get('id')}"
        assert (title.text, finding_said.text) == ("Predicted against recalled", finding)


@pytest.mark.parametrize(
    ("bands", "said"), [(1, "In the one band"), (2, "In both bands"), (3, "In all 3 bands")]
)
def test_bands_that_are_all_inside_are_said_by_how_many_they_are(bands, said):
    inside = Band(low=0.9, high=0.95, n=40, predicted=0.92, recalled=37, actual=0.925, interval=(0.8, 0.98))
    assert forecast.bands_say([inside] * bands).startswith(f"{said} with 20 answers or more, ")


def test_a_band_outside_its_interval_is_named_and_drawn_hollow(who):
    log_of(who, [(0.72, n % 2 == 0) for n in range(40)] + [(0.92, n % 10 > 0) for n in range(40)])
    html = page(who)
    assert "Outside the likely range in 1 of 2 bands with 20 answers or more: 70–80%" in words_of(html)
    assert "(predicted 72.0%, recalled 50.0%)" in html
    assert len(re.findall(r'class="dot dot--off"></circle></g>', html)) == 2
    assert [row[-1] for row in cells_of(html)[:2]] == ["outside", "inside"]


def test_a_forecast_that_only_knows_the_mean_beats_nobody(who):
    log_of(who, [(0.5, n % 10 > 0) for n in range(200)])
    assert "so far the forecast can’t tell your cards apart" in page(who)
    assert "too low for you" in page(who)


@pytest.mark.parametrize(("share", "said"), [(0.845, "84.5"), (0.9995, "100.0"), (0.0, "0.0")])
def test_a_rate_is_said_to_a_tenth_of_a_per_cent(share, said):
    assert per_cent(share) == said


def test_of_very_many_answers_the_latest_count_and_the_page_says_so(who, monkeypatch):
    log_of(who, [(0.9, True)] * 30 + [(0.8, True)] * 21 + [(0.8, False)] * 9)
    monkeypatch.setattr(calibration, "MOST", 30)
    found = of(who)
    assert (found.scored, found.recalled, found.earlier) == (30, 21, True)
    assert found.evidence is not None
    assert found.evidence.predicted == pytest.approx(0.8)
    assert "Across the latest 30 answers we predicted 80% and you recalled 70%." in words_of(page(who))
    monkeypatch.setattr(calibration, "MOST", 60)
    assert (of(who).scored, of(who).earlier) == (60, False)
    assert "Across 60 answers we predicted" in words_of(page(who))


def test_a_visitor_is_asked_to_log_in(client):
    assert client.get(reverse("forecast")).status_code == 302


def test_the_number_of_statements_does_not_grow_with_the_log(who):
    client, url = client_of(who), reverse("forecast")
    none = statements(client, url)
    log_of(who, known_learner(1))
    assert statements(client, url) == none <= 4
