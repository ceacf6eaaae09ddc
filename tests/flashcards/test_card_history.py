"""A card's past as a curve of predicted recall: its pieces, its dots, and how the card page shows them."""

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from django.urls import reverse

from accounts.models import User
from flashcards import card_history, history, planning, reviewing
from flashcards.card_history import RecallHistory
from flashcards.drawing import recall_curve
from flashcards.models import Card, Interview, ReviewLog
from flashcards.scheduling import memory, schedule
from flashcards.templatetags.forecast import recall_says
from tests.making import answer, answered, at, card, day, graded, learner, state, version
from tests.visiting import cells_of, client_of, html_of, statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def who() -> User:
    return learner()


@pytest.fixture
def one(who) -> Card:
    return card()


def past(who: User, what: Card, today: date, interview_on: date | None = None) -> RecallHistory:
    found = card_history.recall_history(state(who, what), today, interview_on)
    assert found is not None
    return found


def page(who: User, what: Card, time_machine, number: int) -> str:
    time_machine.move_to(at(number), tick=False)
    return html_of(client_of(who).get(reverse("card", args=[what.pk])))


def ends(found: RecallHistory) -> list[tuple[date, date]]:
    return [(points[0][0], points[-1][0]) for points in found.falls]


def test_recall_falls_from_each_day_with_an_answer_to_the_next_and_to_today(who, one):
    for number in (1, 2, 8):
        graded(who, one, 4, at(number))
    found = past(who, one, day(12))
    assert ends(found) == [(day(1), day(2)), (day(2), day(8)), (day(8), day(12))]
    for points in found.falls:
        assert points[0][1] == 1
        assert all(earlier[1] > later[1] for earlier, later in pairwise(points))


def test_each_piece_ends_where_the_log_says_that_recall_was_foreseen(who, one):
    for number, grade in ((1, 4), (2, 2), (3, 3), (9, 5)):
        graded(who, one, grade, at(number))
    logged = list(ReviewLog.objects.order_by("sequence").values_list("predicted", flat=True))
    found = past(who, one, day(20))
    assert [row.predicted for row in found.days] == pytest.approx(logged)
    assert [points[-1][1] for points in found.falls[:-1]] == pytest.approx(logged[1:])
    assert found.falls[-1][-1] == (day(20), found.now)


def test_today_and_then_are_what_the_cards_memory_says(who, one):
    held = answered(who, one, 4, 4, 3)
    found = past(who, one, day(30), day(40))
    remembered = history.memory_of(held)
    assert remembered is not None
    assert (found.now, found.then) == (memory.recall(remembered, day(30)), memory.recall(remembered, day(40)))
    assert found.ahead[0] == (day(30), found.now)
    assert found.ahead[-1] == (day(40), found.then)


def test_it_goes_on_until_the_interview_or_for_two_weeks(who, one):
    graded(who, one, 4, at(1))
    assert (past(who, one, day(2)).on, past(who, one, day(2)).interview) == (day(16), False)
    assert (past(who, one, day(2), day(5)).on, past(who, one, day(2), day(5)).interview) == (day(5), True)
    assert past(who, one, day(2), day(2)).ahead == ()
    assert past(who, one, day(2), day(1)).on == day(16)  # that interview is over


def test_a_days_answers_are_one_dot_judged_by_the_first(who, one):
    graded(who, one, 4, at(1))
    graded(who, one, 2, at(2, 9))
    graded(who, one, 3, at(2, 10))
    graded(who, one, 4, at(2, 11))
    days = past(who, one, day(3)).days
    assert [(row.day, row.grades, row.recalled) for row in days] == [
        (day(1), (4,), True),
        (day(2), (2, 3, 4), False),
    ]


def test_an_answer_taken_back_leaves_no_trace(who, one):
    graded(who, one, 4, at(1))
    before = past(who, one, day(2))
    row = graded(who, one, 2, at(2))
    reviewing.undo(who, row.pk, at(2, 13))
    assert past(who, one, day(2)) == before


def test_a_reset_ends_the_curve_and_the_next_answer_begins_another(who, one):
    graded(who, one, 4, at(1))
    reviewing.reset(who, one.pk, version(who, one), at(4))
    found = past(who, one, day(9))
    assert ends(found) == [(day(1), day(4))]
    assert (found.ahead, found.now, found.then) == ((), None, None)
    assert recall_says(found) == "This card is new again, so there’s nothing to predict."
    graded(who, one, 4, at(9))
    found = past(who, one, day(10))
    assert ends(found) == [(day(1), day(4)), (day(9), day(10))]
    assert [row.predicted for row in found.days] == [None, None]


def test_moving_the_due_day_leaves_the_curve_alone(who, one):
    graded(who, one, 4, at(1))
    before = past(who, one, day(3))
    reviewing.set_due(who, one.pk, version(who, one), day(30), at(2))
    Interview.objects.create(learner=who, company="Acme", on=day(20))
    planning.replan(who, day(2), at(2))
    assert past(who, one, day(3)) == before
    assert state(who, one).version > 2


def test_practice_ahead_counts_as_an_answer(who, one):
    answered(who, one, 4, 4)
    assert graded(who, one, 4, at(4)).kind == "practice"
    assert [row.day for row in past(who, one, day(5)).days] == [day(1), day(2), day(4)]


def test_a_long_past_is_drawn_from_its_last_hundred_days_on(who, one):
    graded(who, one, 4, at(1))
    for number in range(2, 132):
        reviewing.grade_card(who, one.pk, answer(2, version(who, one)), at(number))
    found = past(who, one, day(131))
    assert len(found.days) == 100
    assert found.days[0].day == day(32)
    assert ends(found)[0][0] == day(32)
    assert sum(len(points) for points in (*found.falls, found.ahead)) < 600


def test_a_card_answered_twenty_years_ago_takes_no_more_points(who, one):
    graded(who, one, 5, at(1))
    found = past(who, one, day(7_300))
    assert len(found.falls[0]) < 260
    assert found.falls[0][-1][0] == day(7_300)


def test_a_card_without_answers_has_nothing_to_draw(who, one, time_machine):
    assert "plot" not in page(who, one, time_machine, 1)
    reviewing.bury(who, one.pk, at(1))
    assert card_history.recall_history(state(who, one), day(1), None) is None
    row = graded(who, one, 4, at(2))
    reviewing.undo(who, row.pk, at(2, 13))
    html = page(who, one, time_machine, 2)
    assert "plot" not in html
    assert "2 events" in html


def test_the_page_says_today_and_the_day_of_the_interview(who, one, time_machine):
    Interview.objects.create(learner=who, company="Acme", on=day(20))
    planning.replan(who, day(1), at(1))
    graded(who, one, 4, at(1))
    html = page(who, one, time_machine, 4)
    assert "Predicted recall: 88% today, 71% on 21 March if you don’t see it before." in html
    assert ">Interview<" in html
    assert f'href="{reverse("forecast")}"' in html


def test_on_the_interviews_own_day_only_today_is_said(who, one, time_machine):
    Interview.objects.create(learner=who, company="Acme", on=day(4))
    planning.replan(who, day(1), at(1))
    graded(who, one, 4, at(1))
    html = page(who, one, time_machine, 4)
    assert "Predicted recall: 88% today.<" in html
    assert "dashed is how it goes on" not in html


def test_the_drawing_is_named_and_its_dots_say_what_the_table_says(who, one, time_machine):
    graded(who, one, 4, at(1))
    graded(who, one, 1, at(2, 9))
    graded(who, one, 3, at(2, 10))
    graded(who, one, 5, at(3))
    html = page(who, one, time_machine, 5)
    drawings = [ET.fromstring(svg) for svg in re.findall(r"<svg[^>]*plot.*?</svg>", html)]
    assert [svg.get("class") for svg in drawings] == ["chart plot wide", "chart plot narrow"]
    for svg in drawings:
        title, finding, *_ = svg
        assert svg.get("aria-labelledby") == f"{title.get('id')} {finding.get('id')}"
        assert str(finding.text) in html.replace("&#x27;", "'")
        dots = [(group[0].text, group[1].get("class")) for group in svg.iter("g")]
        assert dots == [
            ("2 Mar: Good. Not predicted.", "dot dot--good"),
            ("3 Mar: Again (1), then Hard. Predicted 95%.", "dot dot--again"),
            ("4 Mar: Easy. Predicted 86%.", "dot dot--easy"),
        ]
    assert [row[2:4] for row in cells_of(html)] == [
        ["Easy", "86%"],
        ["Hard", "–"],
        ["Again (1)", "95%"],
        ["Good", "–"],
    ]


@pytest.mark.parametrize("until", [1, 2, 30, 9_000])
def test_whatever_the_span_the_drawing_stays_inside_its_frame(who, one, until):
    graded(who, one, 4, at(1))
    for on in (day(until), day(until) + timedelta(days=400)):
        drawn = recall_curve.curve(past(who, one, day(until), on), schedule.BUTTONS, "").__html__()
        for svg in map(ET.fromstring, re.findall(r"<svg.*?</svg>", drawn)):
            width, height = (float(svg.get(side, 0)) for side in ("width", "height"))
            for path in svg.iter("path"):
                points = [point.split() for point in path.get("d", "")[1:].split("L")]
                assert all(44 <= float(x) <= width - 14 and 26 <= float(y) <= height - 30 for x, y in points)


def test_the_chart_takes_one_statement_however_long_the_past(who, one):
    client, url = client_of(who), reverse("card", args=[one.pk])
    reviewing.bury(who, one.pk, at(1))
    graded(who, one, 4, at(2))
    few = statements(client, url)
    for number in range(3, 40):
        graded(who, one, 2, at(number))
    assert statements(client, url) == few <= 8
