"""The dashboard page: what it says with nothing, little and very much, and that its drawings agree."""

import re
from datetime import timedelta

import pytest

from accounts.models import User
from flashcards import planning, readiness
from flashcards.models import Card, DayStat, Interview, InterviewTopic, ReviewState, Topic
from tests.making import at, day, deck, graded, learner, scheduled
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db

URL = "/dashboard/"
TODAY = 100


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(at(TODAY), tick=False)


def page(who: User) -> str:
    return html_of(client_of(who).get(URL))


def part(html: str, key: str) -> str:
    """Return one section of the page."""
    found = re.search(rf'<section class="panel[^"]*" id="dash_{key}".*?</section>', html, re.DOTALL)
    assert found, key
    return found[0]


def table(html: str, caption: str) -> list[list[str]]:
    """Return the cells of the table with this caption."""
    (found,) = [
        table for table in re.findall(r"<table.*?</table>", html, re.DOTALL) if f"<caption>{caption}" in table
    ]
    return cells_of(found)


def told(html: str, layout: str) -> list[str]:
    """Return what the marks of a drawing say."""
    drawing = next(
        found
        for found in re.findall(r'<svg[^>]*aria-labelledby="[a-z]+-(\w+)-t.*?>(.*?)</svg>', html, re.DOTALL)
        if found[0] == layout
    )
    return re.findall(r"<g><title>(.*?)</title>", drawing[1])


def remembered(
    who: User, what: Card, stability: float = 20.0, due: int = TODAY + 5, **columns
) -> ReviewState:
    """Store a state with a memory that is ten days old."""
    memory = {"stability": stability, "difficulty": 5.0, "remembered_on": day(TODAY - 10)}
    return scheduled(who, what, day(due), **(memory | columns))


def interview(who: User, number: int, **weights: int) -> Interview:
    made = Interview.objects.create(learner=who, company="Acme", on=day(number))
    for name, weight in weights.items():
        topic = Topic.objects.get(name=name.replace("_", " "))
        InterviewTopic.objects.create(interview=made, topic=topic, weight=weight)
    planning.replan(who, day(TODAY), at(TODAY))
    return made


def stat(who: User, number: int, **columns: int) -> None:
    DayStat.objects.create(learner=who, day=day(number), **({"answers": 5} | columns))


# Nothing yet


def test_a_new_learner_sees_zero_of_all_cards_and_one_thing_to_do():
    deck(12)
    html = page(learner(new_cards_per_day=5))
    assert '<p class="ready__n">0<small> of 12</small></p>' in html
    assert "You haven’t answered a card yet" in html
    assert html.count("btn--primary") == 1
    assert "Start with 5 cards" in html


def test_a_new_learner_sees_no_empty_axes_and_no_rate():
    html = page(learner())
    assert not re.search(r'class="chart (load|weeks)|class="cal ', html)
    assert "There are no cards to be ready with yet." in html
    assert "Nothing comes back in these days." in html
    assert "No card has come back for review yet." in html
    assert "Each day with an answer gets its place here." in html
    assert not re.search(r"\d%", words_of(part(html, "true")).partition("What counts")[0])
    assert "btn--primary" not in html


@pytest.mark.parametrize(("since", "said"), [(TODAY, "yet."), (1, "in the last 14 weeks.")])
def test_no_card_that_came_back_is_told_of_as_many_weeks_as_there_were(since, said):
    who, (one,) = learner(), deck(1)
    graded(who, one, 4, at(since))
    assert f"No card has come back for review {said}" in page(who)


def test_without_an_interview_the_page_offers_to_add_one_and_looks_two_weeks_ahead():
    deck(1)
    html = page(learner())
    assert '<a href="/interviews/">Add your interview</a>' in html
    assert "Readiness on 23 June" in html


# Today


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (TODAY, "is today."),
        (TODAY + 1, "is on Wednesday 10 June, tomorrow."),
        (TODAY + 18, "27 June, in 18 days."),
    ],
)
def test_the_page_begins_with_the_days_that_are_left(number, said):
    who = learner()
    interview(who, number)
    html = page(who)
    assert "Tuesday 9 June. Your interview at Acme" in words_of(html)
    assert said in words_of(html)


def test_due_today_says_how_many_are_late_due_and_new_as_the_button_does():
    who, cards = learner(new_cards_per_day=1), deck(12)
    for what in cards[:8]:
        scheduled(who, what, day(TODAY - 1 if what in cards[:2] else TODAY))
    html = page(who)
    assert '<p class="tile__n">9</p>' in part(html, "due")
    assert "2 late, 6 due, 1 new. About 3 minutes." in words_of(part(html, "due"))
    assert "Review 9 cards" in words_of(html) or "Start with 9 cards" in words_of(html)
    assert part(html, "due").count('class="bar bar--late"') == 2
    assert part(html, "due").count('class="cnew"') == 1


def test_of_a_backlog_beyond_the_limit_the_late_cards_are_todays():
    who, cards = learner(reviews_per_day=3), deck(9)
    for what in cards[:8]:
        scheduled(who, what, day(TODAY - 4))
    said = words_of(part(page(who), "due"))
    assert "3 late. About 1 minute. 8 are waiting in all" in said


def test_a_day_that_is_done_says_so_and_offers_nothing_more():
    who, cards = learner(new_cards_per_day=1), deck(2)
    graded(who, cards[0], 4, at(TODAY))
    html = page(who)
    assert "Done for today: 1 card answered." in words_of(part(html, "due"))
    assert "btn--primary" not in html


# Readiness


def test_each_card_stands_in_the_grid_with_what_the_model_predicts():
    who, cards = learner(), deck(12)
    remembered(who, cards[0], stability=400.0)
    remembered(who, cards[1], stability=3.0)
    ready = part(page(who), "ready")
    shown = {
        topic.topic.name: [cell.recall for cell in topic.cells]
        for topic in readiness.readiness(who, readiness.leading(who, day(TODAY)), day(TODAY)).topics
    }
    rows = {row[0]: row[2:] for row in cells_of(ready)}
    assert {name: len(row) for name, row in rows.items()} == {"Topic 1": 10, "Topic 2": 2}
    for name, row in rows.items():
        assert row == ["–" if recall is None else f"{100 * recall:.0f}" for recall in shown[name]]
    assert rows["Topic 1"][:3] == ["99", "71", "–"]
    assert 'class="v5" title="Question 1?"' in ready
    assert 'class="v2" title="Question 2?"' in ready


def test_a_topic_with_more_than_20_cards_is_a_bar_by_recall_with_its_numbers_in_a_table():
    who, cards = learner(), deck(1)
    topic = cards[0].topic
    more = [Card(topic=topic, key=f"more-{n}", position=n, question="?", answer="!") for n in range(2, 22)]
    Card.objects.bulk_create(more)
    for n, what in enumerate(Card.objects.order_by("position")[:8]):
        remembered(who, what, stability=3.0 if n < 5 else 400.0)
    ready = part(page(who), "ready")
    assert table(ready, "Cards by predicted recall") == [["Topic 1", "0", "5", "0", "0", "3", "13"]]
    widths: list[tuple[str, object]] = [
        (class_, float(width))
        for width, class_ in re.findall(
            r'<rect x="[\d.]+%" y="1" width="([\d.]+)%" [^>]*class="(\w+)">', ready
        )
    ]
    assert widths == [
        ("c2", pytest.approx(100 * 5 / 21, abs=0.01)),
        ("c5", pytest.approx(100 * 3 / 21, abs=0.01)),
        ("cnew", pytest.approx(100 * 13 / 21, abs=0.01)),
    ]


def test_topics_are_marked_with_how_much_they_count_in_the_interview():
    deck(30)
    who = learner()
    interview(who, TODAY + 9, Topic_1=2, Topic_3=0)
    rows = [row[0] for row in cells_of(part(page(who), "ready"))]
    assert rows == ["Topic 1 ×2", "Topic 2", "Topic 3 not asked"]


# Rates


@pytest.mark.parametrize("key", ["true", "mature"])
def test_no_rate_is_shown_below_20_reviews(key):
    who = learner()
    stat(who, TODAY - 3, tested=19, recalled=17, mature_tested=19, mature_recalled=17)
    said = words_of(part(page(who), key)).partition("What counts")[0]
    assert "17 of 19 Too few for a rate. It shows after 1 more review" in said
    assert "%" not in said
    stat(who, TODAY - 2, tested=1, recalled=1, mature_tested=1, mature_recalled=1)
    said = words_of(part(page(who), key)).partition("What counts")[0]
    assert "90 % 18 of 20 recalled. Likely 70 to 97%." in said


def test_a_week_has_a_rate_in_its_table_from_20_reviews_on():
    who = learner()
    stat(who, TODAY - 15, tested=19, recalled=19)
    stat(who, TODAY - 8, tested=20, recalled=15)
    weeks = part(page(who), "weeks")
    assert table(weeks, "First answers") == [
        ["8 Jun", "0 of 0", "–", "–"],
        ["1 Jun", "15 of 20", "75%", "53–89%"],
        ["25 May", "19 of 19", "–", "83–100%"],
    ]
    assert told(weeks, "wide") == ["Week of 25 May: 19 of 19", "Week of 1 Jun: 15 of 20"]
    assert weeks.count('class="dot"><title>') == 2  # one in each size


# Drawings and tables


@pytest.fixture
def busy() -> User:
    """Return a learner with something in every figure."""
    who, cards = learner(new_cards_per_day=2), deck(24)
    for number in range(30, TODAY):
        if number % 5:
            stat(who, number, answers=number % 17 + 1, tested=number % 7, recalled=number % 7 // 2)
    for n, what in enumerate(cards[:16]):
        remembered(who, what, stability=3.0 + 4 * n, due=TODAY - 2 + n)
    interview(who, TODAY + 12, Topic_2=3)
    return who


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_the_calendars_cells_are_its_tables_numbers(busy, layout):
    days = part(page(busy), "days")
    marked = {
        title.partition(": ")[0].partition(" ")[2]: title.partition(": ")[2].partition(" answer")[0]
        for title in told(days, layout)
        if "answer" in title
    }
    rows = table(days, "Answers by day")
    listed = dict[str, str]()
    for monday, *counts, total in rows:
        start = next(day(n) for n in range(1, 200) if f"{day(n).day} {day(n):%b}" == monday)
        known = [count for count in counts if count != "–"]
        assert total == str(sum(int(count) for count in known))
        for n, count in enumerate(counts):
            on = start + timedelta(days=n)
            listed |= {f"{on.day} {on:%b}": count} if count != "–" else {}
    assert marked == listed
    assert len(marked) == TODAY - 30  # the 30th was no study day


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_the_bars_of_the_reviews_ahead_are_their_tables_numbers(busy, layout):
    ahead = part(page(busy), "ahead")
    drawn = [
        re.sub(
            r"^Late: (.*)$", r"Late|\1|–", re.sub(r": (.*) scheduled, (.*) extra expected$", r"|\1|\2", title)
        )
        for title in told(ahead, layout)
    ]
    assert drawn == ["|".join(row) for row in table(ahead, "Reviews due by day")]
    assert drawn[0] == "Late|2|–"
    assert len(drawn) == 1 + 13


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_the_drawn_weeks_are_the_last_14_of_their_table(busy, layout):
    weeks = part(page(busy), "weeks")
    listed = [f"Week of {row[0]}: {row[1]}" for row in table(weeks, "First answers") if row[1] != "0 of 0"]
    assert told(weeks, layout) == listed[::-1]


def test_the_cards_most_likely_to_slip_are_listed_with_recall_misses_and_due_day(busy):
    rows = cells_of(part(page(busy), "slip"))
    assert len(rows) == 5
    assert rows[0] == ["Question 1? Topic 1", "72%", "0", "Late"]
    recalls = [int(row[1].rstrip("%")) for row in rows]
    assert recalls == sorted(recalls)


def test_every_figure_has_its_definition_and_every_drawing_a_name(busy):
    html = page(busy)
    sections = re.findall(r'id="dash_(\w+)"', html)
    assert sections == ["ready", "due", "streak", "true", "mature", "days", "ahead", "weeks", "slip"]
    for key in sections:
        assert re.search(
            r"<details><summary>(What counts|How we work this out)</summary>", part(html, key)
        ), key
    for drawing in re.findall(r"<svg[^>]*>", html):
        assert "aria-hidden" in drawing or "aria-label" in drawing, drawing
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for named in re.findall(r'aria-labelledby="([^"]+)"', html):
        assert set(named.split()) <= set(ids)


def test_the_page_leads_to_the_other_pages_about_the_day(busy):
    html = page(busy)
    for href in (
        "/interviews/",
        "/dashboard/forecast/",
        "/dashboard/sheet/",
        "/break/",
        "/browse/?order=recall",
    ):
        assert f'href="{href}"' in html


def test_the_page_is_for_the_learners_study_day_and_is_never_kept(time_machine):
    who = learner(time_zone="Pacific/Niue", day_start=4)
    response = client_of(who).get(URL)
    assert "Monday 8 June" in html_of(response)
    assert "no-store" in response["Cache-Control"]


# Size


def large(who: User, cards: int) -> None:
    """Give a learner a deck that is half started, in topics of a fifth each."""
    made = deck(1)[0].topic.deck
    topics = Topic.objects.bulk_create(
        Topic(deck=made, key=f"large-{cards}-{n}", name=f"Large {n}", position=n + 100) for n in range(5)
    )
    rows = Card.objects.bulk_create(
        Card(topic=topics[n % 5], key=f"large-{cards}-{n}", position=n + 100, question="?", answer="!")
        for n in range(cards)
    )
    ReviewState.objects.bulk_create(
        ReviewState(
            learner=who,
            card=what,
            repetitions=3,
            interval=15,
            due_on=day(TODAY - 20 + n % 60),
            introduced_on=day(50),
            last_reviewed_on=day(60),
            stability=4.0 + n % 200,
            difficulty=5.0,
            remembered_on=day(60),
        )
        for n, what in enumerate(rows[::2])
    )


@pytest.mark.parametrize("away", [0, 9])
@pytest.mark.parametrize("cards", [5, 2_000])
def test_the_page_takes_at_most_12_statements_at_any_size(cards, away):
    who = learner(interview_on=day(TODAY + 20))
    large(who, cards)
    made = interview(who, TODAY + 20)
    for topic in Topic.objects.all():
        InterviewTopic.objects.create(interview=made, topic=topic, weight=2)
    for number in range(1, TODAY - away):
        stat(who, number, tested=4, recalled=3)
    assert statements(client_of(who), URL) <= 12


def test_days_away_with_all_cards_started_take_no_more_than_12_statements():
    who = learner()
    for what in deck(5):
        remembered(who, what, due=TODAY)
    interview(who, TODAY + 20, Topic_1=2)
    stat(who, TODAY - 10)
    assert statements(client_of(who), URL) <= 12


def test_ten_thousand_cards_make_a_page_that_can_be_read():
    who = learner(new_cards_per_day=20)
    large(who, 10_000)
    stat(who, TODAY - 1)
    html = page(who)
    assert "of 10,001</small>" in html
    assert part(html, "ready").count('class="bands"') == 5
    assert '<p class="tile__n">1,000</p>' in part(html, "due")
    assert "1,763 are waiting in all" in words_of(part(html, "due"))
    assert len(html) < 200_000
