"""The drawings: their marks stand where the numbers say, and say the numbers."""

import re
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flashcards import wording
from flashcards.drawing import calendar, load, strips, svg, weeks, words
from flashcards.figures import DayMark, Rate, Week
from flashcards.readiness import DayAhead
from tests.making import day

MONDAY = day(1)


def tree(element: svg.Element) -> ET.Element:
    """Return the drawing as a reader of XML sees it."""
    return ET.fromstring(f"<all>{element.__html__()}</all>")


def marks(drawn: ET.Element, name: str, class_: str = "") -> list[dict[str, str]]:
    """Return the attributes of these marks, all of them or those of a class."""
    found = (mark.attrib for mark in drawn.iter(name))
    return [mark for mark in found if not class_ or class_ in mark.get("class", "").split()]


def titles(drawn: ET.Element) -> list[str]:
    """Return what the pointer brings up, mark by mark."""
    return [mark.findtext("title", "") for mark in drawn.iter("g")]


def only(drawn: ET.Element, layout: str) -> ET.Element:
    """Return one of the sizes."""
    return next(part for part in drawn if layout in part.get("class", "").split())


# Elements


def test_whatever_a_text_holds_it_cannot_become_markup():
    assert svg.element("text", "<b>&", title='"').__html__() == '<text title="&quot;">&lt;b&gt;&amp;</text>'


def test_lengths_are_written_no_longer_than_needed():
    assert svg.rect(1.0, 2.345678, (3, 0.5), "c0").__html__() == (
        '<rect x="1" y="2.35" width="3" height="0.5" rx="2" class="c0"></rect>'
    )


@pytest.mark.parametrize(
    ("share", "said"), [(0.845, "85"), (0.8449, "84"), (0, "0"), (1, "100"), (0.005, "1")]
)
def test_half_a_per_cent_goes_up(share, said):
    assert wording.percent(share) == said


# Calendar


@pytest.mark.parametrize(
    ("answers", "shade"),
    [(0, 0), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3), (10, 4), (13, 4), (14, 5), (900, 5)],
)
def test_the_shade_of_a_day_is_the_same_whatever_the_other_days_hold(answers, shade):
    drawn = tree(calendar.calendar({day(1): answers, day(2): 5_000}, day(1), day(2), None))
    (mark,) = [g for g in drawn[0].iter("g") if g.findtext("title", "").startswith("Mon 2 Mar:")]
    assert mark[1].get("class") == f"c{shade}"


def test_fourteen_weeks_have_numbers_and_a_fifteenth_takes_them_away():
    fourteen = tree(calendar.calendar({}, MONDAY, MONDAY + timedelta(days=7 * 14 - 1), None))
    assert [part.get("class") for part in fourteen] == ["cal wide", "cal narrow"]
    fifteen = tree(calendar.calendar({}, MONDAY, MONDAY + timedelta(days=7 * 14), None))
    assert [part.get("class") for part in fifteen] == ["cal small"]
    assert {mark["width"] for mark in marks(fifteen, "rect", "c0")} == {"14"}
    assert not [mark for mark in marks(fifteen, "text") if "text-anchor" in mark]


def test_three_years_are_drawn_as_the_last_26_weeks():
    today = MONDAY + timedelta(days=1_100)
    columns = calendar.weeks(MONDAY, today, None)
    assert len(columns) == 26
    assert columns[-1] <= today < columns[-1] + timedelta(days=7)


def test_a_first_day_has_a_calendar_that_still_holds_today_at_the_narrowest():
    columns = calendar.weeks(day(3), day(3), None)
    assert columns[0] == MONDAY
    assert len(columns) == calendar.FEWEST_WEEKS


@given(st.integers(0, 1_200), st.integers(0, 1_200), st.none() | st.integers(-10, 200))
def test_each_day_since_the_first_is_told_once_and_no_other(first, ago, interview):
    today = day(1_300)
    begun = today - timedelta(days=first)
    answers = {today - timedelta(days=ago): 7}
    on = today + timedelta(days=interview) if interview is not None else None
    drawn = tree(calendar.calendar(answers, begun, today, on))
    start = calendar.weeks(begun, today, on)[0]
    told = [max(begun, start) + timedelta(days=n) for n in range((today - max(begun, start)).days + 1)]
    said = [f"{words.weekday(on)}: {'7 answers' if on in answers else '0 answers'}" for on in told]
    for part in drawn:
        assert [title for title in titles(part) if "answer" in title] == said


def test_the_interview_is_marked_in_the_weeks_ahead_but_not_beyond_them():
    near, far = MONDAY + timedelta(days=41), MONDAY + timedelta(days=42)
    assert "Sun 12 Apr: interview" in titles(tree(calendar.calendar({}, MONDAY, MONDAY, near))[0])
    beyond = tree(calendar.calendar({}, MONDAY, MONDAY, far))[0]
    assert not marks(beyond, "rect", "iv")


def test_today_is_outlined_and_days_to_come_are_empty():
    drawn = tree(calendar.calendar({}, MONDAY, day(3), None))[0]
    (today,) = marks(drawn, "rect", "today")
    assert (today["x"], today["y"]) == ("1", f"{calendar.TOP + 2 * calendar.WIDE.down}")
    assert len(marks(drawn, "rect", "cx")) == 7 * calendar.FEWEST_WEEKS - 3


def test_a_traveller_whose_date_went_back_before_the_first_answer_still_sees_today():
    drawn = tree(calendar.calendar({day(2): 4}, day(2), day(1), None))
    assert titles(drawn[0]) == ["Mon 2 Mar: 0 answers"]


# Reviews ahead

AHEAD = (DayAhead(day(1), 6, 0.0), DayAhead(day(2), 0, 4.25), DayAhead(day(3), 3, 1.0))


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_a_bar_is_as_high_as_its_number_of_cards(layout):
    drawn = only(tree(load.load(2, AHEAD, None, "")), layout)
    per_card = float(marks(drawn, "rect", "bar--late")[0]["height"]) / 2
    heights = [float(mark["height"]) / per_card for mark in marks(drawn, "rect", "bar")]
    assert heights == pytest.approx([2, 6, 3], abs=0.01)
    extra = [float(mark["height"]) / per_card for mark in marks(drawn, "rect", "bar--proj")]
    assert extra == pytest.approx([4.25, 1], abs=0.01)
    assert titles(drawn) == [
        "Late: 2",
        "Mon 2 Mar: 6 scheduled, 0.0 extra expected",
        "Tue 3 Mar: 0 scheduled, 4.2 extra expected",
        "Wed 4 Mar: 3 scheduled, 1.0 extra expected",
    ]


def test_without_late_cards_there_is_no_bar_for_them():
    drawn = tree(load.load(0, AHEAD, None, ""))
    assert not marks(drawn, "rect", "bar--late")
    assert "Late" not in "".join(titles(drawn))


@given(
    st.integers(0, 400),
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 300)), min_size=1, max_size=31),
    st.none() | st.integers(0, 60),
)
@example(0, [(0, 0.0)] * 8, 1)
def test_nothing_is_drawn_outside_and_no_two_names_of_days_touch(late, loads, interview):
    days = [DayAhead(day(n), *counts) for n, counts in enumerate(loads, start=1)]
    on = day(1 + interview) if interview is not None else None
    drawn = tree(load.load(late, days, on, ""))
    for layout in (load.WIDE, load.NARROW):
        part = only(drawn, layout.name)
        for bar in marks(part, "rect", "bar") + marks(part, "rect", "bar--proj"):
            assert float(bar["x"]) >= load.LEFT - 0.01
            assert float(bar["x"]) + float(bar["width"]) <= layout.width
            assert float(bar["y"]) >= load.TOP - 0.02
        names = sorted(float(mark["x"]) for mark in marks(part, "text") if mark["y"] == "226")
        assert all(right - left >= load.LABEL - 0.02 for left, right in pairwise(names))
        reached = interview is not None and interview <= len(days)
        assert len(marks(part, "line", "target")) == reached


@given(st.floats(0.1, 50_000))
def test_an_axis_has_at_most_six_round_numbers_and_reaches_the_highest_bar(most):
    ticks = load._ticks(most)
    assert ticks[-1] >= most
    assert len(ticks) <= 6
    assert re.fullmatch(r"[1235]0*", str(ticks[1]))


# Retention by week


def week(number, recalled, tested):
    return Week(day(1 + 7 * number), 5, tested, Rate(recalled, tested))


@pytest.mark.parametrize(("tested", "dots"), [(19, 0), (20, 1)])
def test_a_week_has_a_dot_from_20_reviews_and_its_interval_always(tested, dots):
    drawn = only(tree(weeks.retention([week(0, 18, tested)], "")), "wide")
    assert len(marks(drawn, "circle")) == dots
    assert len(marks(drawn, "line", "ci")) == 1
    assert ("90%" in [text.text for text in drawn.iter("text") if text.get("class") == "strong"]) == bool(
        dots
    )


@pytest.mark.parametrize("layout", [weeks.WIDE, weeks.NARROW], ids=lambda layout: layout.name)
def test_dots_and_intervals_stand_at_their_shares(layout):
    past = [week(0, 20, 25), week(1, 27, 27), week(2, 30, 40)]
    drawn = only(tree(weeks.retention(past, "")), layout.name)
    axis = {
        text.text: float(text.get("y", "")) - 4
        for text in drawn.iter("text")
        if text.get("text-anchor") == "end"
    }

    def at(share):
        per_cent = (axis["100%"] - axis["50%"]) / 50
        return axis["100%"] + (share * 100 - 100) * per_cent

    assert [float(dot["cy"]) for dot in marks(drawn, "circle")] == pytest.approx(
        [at(0.8), at(1), at(0.75)], abs=0.02
    )
    ends = [(float(bar["y1"]), float(bar["y2"])) for bar in marks(drawn, "line", "ci")]
    assert ends == [pytest.approx((at(of.rate.low), at(of.rate.high)), abs=0.02) for of in past]
    assert titles(drawn) == ["Week of 2 Mar: 20 of 25", "Week of 9 Mar: 27 of 27", "Week of 16 Mar: 30 of 40"]


def test_only_neighbouring_weeks_with_a_rate_are_joined():
    past = [week(0, 20, 25), week(1, 20, 25), week(2, 3, 4), week(3, 20, 25), week(4, 0, 0), week(5, 20, 25)]
    drawn = only(tree(weeks.retention(past, "")), "wide")
    assert len(marks(drawn, "circle")) == 4
    assert len(marks(drawn, "line", "line")) == 1
    assert len(marks(drawn, "line", "ci")) == 5


def test_of_three_years_the_last_14_weeks_are_drawn():
    past = [week(n, 20, 25) for n in range(156)]
    drawn = only(tree(weeks.retention(past, "")), "wide")
    assert len(marks(drawn, "circle")) == 14
    assert titles(drawn)[-1] == weeks.title(past[-1])


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=20))
def test_no_interval_ever_leaves_the_drawing(counts):
    past = [week(n, min(pair), max(pair)) for n, pair in enumerate(counts)]
    drawn = tree(weeks.retention(past, ""))
    for part in drawn:
        height = float(part.get("height", ""))
        for bar in marks(part, "line", "ci"):
            assert weeks.TOP - 0.01 <= float(bar["y2"]) <= float(bar["y1"]) <= height - 30 + 0.01


def test_without_a_tested_week_nothing_is_drawn():
    assert weeks.retention([week(0, 0, 0)], "").__html__() == ""


# The small ones


def test_up_to_twenty_cards_of_today_are_a_block_each():
    drawn = tree(strips.due([("bar bar--late", 2), ("bar", 6), ("cnew", 1)]))
    assert [mark["class"] for mark in marks(drawn, "rect")] == ["bar bar--late"] * 2 + ["bar"] * 6 + ["cnew"]


def test_more_cards_than_twenty_are_lengths_in_proportion():
    drawn = tree(strips.due([("bar bar--late", 50), ("bar", 150), ("cnew", 0)]))
    starts = [float(mark["x"].rstrip("%")) for mark in marks(drawn, "rect")]
    assert starts == pytest.approx([0.4, 25.4])


def test_two_weeks_say_how_many_days_were_studied_and_whether_today_is_open():
    days = [DayMark(day(n), n % 2) for n in range(1, 15)]
    assert 'aria-label="Last 14 days: studied 7 of 13, today is still open"' in (
        strips.two_weeks(days, day(14)).__html__()
    )
    assert 'aria-label="Last 14 days: studied 7 of 14"' in strips.two_weeks(days, day(15)).__html__()


def test_readiness_lays_what_is_recalled_now_over_what_keeping_on_gives():
    drawn = tree(strips.readiness(32, 47, 50, "32 of 50"))
    assert [mark["width"] for mark in marks(drawn, "rect")] == ["100%", "94%", "64%"]
    assert [mark["width"] for mark in marks(tree(strips.readiness(0, None, 50, "")), "rect")] == ["100%"]


@given(st.lists(st.integers(0, 3_000), min_size=6, max_size=6).filter(any))
def test_the_bands_of_a_topic_fill_its_bar(counts):
    drawn = marks(tree(strips.bands(counts)), "rect")
    widths = [float(mark["width"].rstrip("%")) for mark in drawn]
    assert sum(widths) == pytest.approx(100, abs=0.05)
    assert widths == pytest.approx([100 * count / sum(counts) for count in counts if count], abs=0.01)


def test_a_rate_stands_on_its_interval():
    drawn = tree(strips.interval(Rate(96, 113), "True retention"))
    (interval,) = marks(drawn, "line", "ci")
    ends = [float(interval[end].rstrip("%")) for end in ("x1", "x2")]
    assert ends == pytest.approx([2 + 96 * (bound - 0.5) / 0.5 for bound in (0.7724, 0.9040)], abs=0.05)
    assert drawn[0].get("aria-label") == (
        "True retention: 96 of 113, 95 per cent interval 77 to 90 per cent, target 90"
    )
