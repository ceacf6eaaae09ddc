"""The interviews page: what it shows, what it keeps, whom it listens to, and how it says what it did."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from flashcards import interviews, reviewing
from flashcards.interviews import Missing, Pace, Refused, Wanted
from flashcards.models import Card, Deck, Interview, InterviewTopic, ReviewState, Topic
from flashcards.scheduling.plan import Plan
from tests.making import answered, at, card, day, deck, graded, learner, scheduled, state
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def noon(time_machine):
    time_machine.move_to(at(10), tick=False)


@pytest.fixture
def who(noon) -> User:
    return learner(new_cards_per_day=5)


def fields(**changed: Any) -> dict[str, Any]:
    """Return what the form sends: as it comes, with each topic at its usual weight, but for the changes."""
    usual = {f"topic-{topic.pk}": 1 for topic in Topic.objects.all()}
    return {"company": "Acme", "role": "", "on": str(day(30))} | usual | changed


def planned(who: User, on: int, **more: Any) -> Interview:
    """Add an interview at noon of day 10 and return it."""
    interviews.add(who, Wanted(on=day(on), **({"company": "Acme"} | more)), at(10))
    return Interview.objects.latest("pk")


def steady(who: User, cards: list[Card]) -> None:
    for what in cards:
        answered(who, what, 4, 4, 4, 4)  # answered on day 23, due on day 61


def told(client: Client) -> str:
    """Return the message that the next page shows."""
    found = re.search(r'id="messages">(.*?)</div>\s*</div>', html_of(client.get("/interviews/")), re.DOTALL)
    assert found
    return words_of(found[1])


# Adding


def test_an_interview_is_kept_with_the_topics_that_differ_from_the_usual(who):
    topics = [deck(1)[0].topic, deck(1)[0].topic, deck(1)[0].topic]
    weights = {f"topic-{topics[0].pk}": 0, f"topic-{topics[2].pk}": 3}
    sent = fields(role="MLOps engineer", **weights)
    response = client_of(who).post("/interviews/", sent)
    assert (response.status_code, response["Location"]) == (303, "/interviews/")
    kept = Interview.objects.get()
    assert (kept.learner, kept.company, kept.role, kept.on) == (who, "Acme", "MLOps engineer", day(30))
    assert dict(kept.weights.values_list("topic", "weight")) == {topics[0].pk: 0, topics[2].pk: 3}


def test_of_very_many_topics_a_hundred_can_be_weighed_and_the_weight_of_another_is_kept(who):
    first, *_, last = [deck(1)[0].topic for _ in range(interviews.MOST_TOPICS + 2)]
    interview, client = planned(who, 30, weights={last.pk: 3}), client_of(who)
    html = html_of(client.get("/interviews/"))
    assert html.count('name="topic-') == interviews.MOST_TOPICS
    assert "There are too many topics to weigh them all here." in html
    html = html_of(client.get(f"/interviews/{interview.pk}/"))
    assert html.count('name="topic-') == interviews.MOST_TOPICS + 1
    shown = dict.fromkeys(re.findall(r'name="(topic-\d+)"', html), 1)
    sent = {"company": "Acme", "on": str(day(30))} | shown
    client.post(f"/interviews/{interview.pk}/", sent | {f"topic-{first.pk}": 0, f"topic-{last.pk}": 3})
    assert dict(interview.weights.values_list("topic", "weight")) == {first.pk: 0, last.pk: 3}


def test_the_message_says_how_many_cards_came_ahead_and_that_intervals_stay(who, time_machine):
    cards, client = deck(12), client_of(who)
    steady(who, cards)
    time_machine.move_to(at(24), tick=False)
    client.post("/interviews/", fields(on=str(day(50))))
    assert told(client) == (
        "Interview added. 12 cards now come in the week before 20 April. Their intervals stay as they are."
    )
    assert set(ReviewState.objects.values_list("interval", flat=True)) == {38}


def test_the_message_of_one_card_and_of_none(who, time_machine):
    client = client_of(who)
    client.post("/interviews/", fields(on=str(day(60))))
    assert told(client) == "Interview added. No card had to move."
    steady(who, deck(1))
    time_machine.move_to(at(24), tick=False)
    client.post("/interviews/", fields(on=str(day(50))))
    assert told(client) == (
        "Interview added. 1 card now comes in the week before 20 April. Its interval stays as it is."
    )


def test_the_year_is_said_where_it_is_another_one(who):
    client = client_of(who)
    scheduled(who, card(), day(900), last_reviewed_on=day(1))
    client.post("/interviews/", fields(on="2027-12-11"))
    assert "1 card now comes in the week before 11 December 2027." in told(client)


def test_two_interviews_on_one_day_are_two_and_one_sent_twice_is_one(who):
    client = client_of(who)
    client.post("/interviews/", fields(company="Acme"))
    client.post("/interviews/", fields(company="Initech"))
    client.post("/interviews/", fields(company="Acme"))
    assert list(Interview.objects.order_by("pk").values_list("company", flat=True)) == ["Acme", "Initech"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"company": " "}, "Enter the company, or any name for this interview."),
        ({"company": "x" * 121}, "Shorten this to 120 characters."),
        ({"company": "a\0b"}, "A NUL character can’t be stored; remove it."),
        ({"role": "x" * 121}, "Shorten this to 120 characters."),
        ({"on": ""}, "Choose the date."),
        ({"on": "30/03/2026"}, "Choose the date as a day, such as 2026-12-31."),
        ({"on": str(day(9))}, "Choose a date from today to five years ahead."),
        ({"on": "2031-03-13"}, "Choose a date from today to five years ahead."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(who, changed, sentence):
    topic = card().topic
    response = client_of(who).post("/interviews/", fields(**{f"topic-{topic.pk}": 2} | changed))
    html = html_of(response)
    assert response.status_code == 422
    assert html.count(sentence) == 2  # in the summary and at the field
    for name, value in (fields() | changed).items():
        if name in {"company", "role", "on"} and value.strip("\0 ") and "\0" not in value:
            assert f'name="{name}" value="{value}"' in html
    assert re.search(r'<option value="2" selected>counts double', html)
    assert not Interview.objects.exists()


@pytest.mark.parametrize("on", [day(10), date(2031, 3, 11)])
def test_today_and_a_day_almost_five_years_ahead_are_taken(who, on):
    assert client_of(who).post("/interviews/", fields(on=str(on))).status_code == 303
    assert Interview.objects.get().on == on


def test_a_weight_that_is_none_is_refused_and_so_is_an_interview_in_which_nothing_counts(who):
    client, topic = client_of(who), card().topic
    for weight in ("4", "-1", "", "x"):
        response = client.post("/interviews/", fields(**{f"topic-{topic.pk}": weight}))
        assert (response.status_code, f"Choose how much {topic.name} counts." in html_of(response)) == (
            422,
            True,
        )
    response = client.post("/interviews/", fields(**{f"topic-{topic.pk}": 0}))
    assert (response.status_code, "At least one topic must count." in html_of(response)) == (422, True)
    assert not Interview.objects.exists()


@pytest.mark.parametrize(("on", "where"), [(20, "in"), (24, "in"), (25, "on the day after")])
def test_a_day_in_the_break_or_right_after_it_is_refused_by_its_name(who, on, where):
    User.objects.filter(pk=who.pk).update(break_from=day(20), break_until=day(24))
    response = client_of(who).post("/interviews/", fields(on=str(day(on))))
    assert response.status_code == 422
    assert (
        f"That’s {where} your break from 21 March to 25 March, so no day before it is left for the cards. "
        "Choose a day before 21 March, or 27 March or later, or change the break."
    ) in html_of(response)
    assert not Interview.objects.exists()


@pytest.mark.parametrize("on", [19, 26])
def test_a_day_before_the_break_and_one_that_leaves_a_day_after_it_are_taken(who, on):
    User.objects.filter(pk=who.pk).update(break_from=day(20), break_until=day(24))
    assert client_of(who).post("/interviews/", fields(on=str(day(on)))).status_code == 303


def test_a_break_planned_while_the_form_was_checked_is_found_under_the_lock(who):
    under_way = User.objects.get(pk=who.pk)
    User.objects.filter(pk=who.pk).update(break_from=day(20), break_until=day(24))
    with pytest.raises(Refused, match="your break"):
        interviews.add(under_way, Wanted("Acme", day(22)), at(10))
    assert not Interview.objects.exists()


def test_a_break_that_is_over_stands_in_nobody_s_way():
    over = Plan(None, day(2), day(9))
    assert interviews.clash(over, day(10), day(10)) == ""
    assert "Choose 12 March or later" in interviews.clash(Plan(None, day(2), day(9)), day(10), day(8))


def test_there_is_an_end_to_the_interviews_to_come(who):
    Interview.objects.bulk_create(Interview(learner=who, company=f"{n}", on=day(30)) for n in range(50))
    response = client_of(who).post("/interviews/", fields())
    assert response.status_code == 422
    assert "You have 50 interviews to come. Delete one of them first." in html_of(response)


def test_a_guest_keeps_interviews_too(noon):
    guest = User.objects.create_guest("Europe/Berlin")
    assert client_of(guest).post("/interviews/", fields()).status_code == 303
    assert Interview.objects.get().learner == guest


# The list


def test_without_an_interview_the_page_says_that_none_is_needed(who):
    page = words_of(html_of(client_of(who).get("/interviews/")))
    assert "No interview to come You can study without one." in page
    assert "Past interviews" not in page
    assert "Keep the plan" not in page


def test_the_nearest_comes_first_and_past_ones_below(who):
    topics = [deck(1)[0].topic for _ in range(3)]
    weights = {topics[0].pk: 2, topics[1].pk: 2, topics[2].pk: 0}
    for on, company, role in ((30, "Initech", "MLE"), (11, "Acme", ""), (10, "Umbrella", "")):
        planned(who, on, company=company, role=role, weights=weights if role else {})
    Interview.objects.create(learner=who, company="Long ago", on=day(1))
    Interview.objects.create(learner=who, company="Of late", on=day(9))
    assert cells_of(html_of(client_of(who).get("/interviews/"))) == [
        ["Umbrella", "11 Mar 2026 today"],
        ["Acme", "12 Mar 2026 tomorrow"],
        ["Initech MLE, 2 topics count double, 1 topic doesn’t count", "31 Mar 2026 in 20 days"],
        ["Of late", "10 Mar 2026"],
        ["Long ago", "2 Mar 2026"],
    ]


def test_the_form_offers_every_topic_with_cards_under_its_deck(who):
    first, second = deck(11), deck(1)
    Topic.objects.create(deck=Deck.objects.first(), key="empty", name="Empty", position=9)
    html = html_of(client_of(who).get("/interviews/"))
    legends = re.findall(r"<fieldset.*?<legend>(.*?)</legend>(.*?)</fieldset>", html, re.DOTALL)
    assert [(deck, re.findall(r'<select name="topic-(\d+)"', inside)) for deck, inside in legends] == [
        (first[0].topic.deck.name, [str(first[0].topic.pk), str(first[10].topic.pk)]),
        (second[0].topic.deck.name, [str(second[0].topic.pk)]),
    ]
    assert html.count('<option value="1" selected>counts') == 3
    assert f'min="{day(10)}"' in html


@pytest.mark.parametrize("path", ["/interviews/", "/interviews/{pk}/"])
def test_the_pages_take_as_many_statements_with_100_topics_and_50_interviews_as_with_one(who, path):
    deck(1)
    interview, client = planned(who, 20), client_of(who)
    Interview.objects.create(learner=who, company="Umbrella", on=day(1))
    few = statements(client, path.format(pk=interview.pk))
    cards = deck(1_000)
    Interview.objects.bulk_create(Interview(learner=who, company=f"{n}", on=day(30)) for n in range(49))
    Interview.objects.bulk_create(Interview(learner=who, company=f"{n}", on=day(1)) for n in range(200))
    InterviewTopic.objects.bulk_create(
        InterviewTopic(interview=one, topic=cards[n * 10].topic, weight=2)
        for n, one in enumerate(Interview.objects.all()[:50])
    )
    assert statements(client, path.format(pk=interview.pk)) == few <= 12


# Changing and deleting


def test_the_form_of_an_interview_holds_what_it_is(who):
    topic = card().topic
    interview = planned(who, 30, role="MLE", weights={topic.pk: 3})
    html = html_of(client_of(who).get(f"/interviews/{interview.pk}/"))
    assert 'value="Acme"' in html
    assert 'value="MLE"' in html
    assert f'value="{day(30)}"' in html
    assert '<option value="3" selected>' in html


def test_an_interview_is_changed_and_the_cards_follow(who, time_machine):
    steady(who, deck(3))
    interview = planned(who, 40)
    time_machine.move_to(at(24), tick=False)
    client = client_of(who)
    path = f"/interviews/{interview.pk}/"
    assert client.post(path, fields(company="Initech", on=str(day(50)))).status_code == 303
    assert told(client).startswith("Interview changed. 3 cards now come in the week before 20 April.")
    kept = Interview.objects.get()
    assert (kept.pk, kept.company, kept.on) == (interview.pk, "Initech", day(50))
    client.post(path, fields(on=str(day(70))))
    assert told(client) == "Interview changed. 3 cards are back on their own days."


def test_a_past_interview_keeps_its_date_when_its_name_is_mended(who):
    past = Interview.objects.create(learner=who, company="Acne", on=day(1))
    client = client_of(who)
    path = f"/interviews/{past.pk}/"
    assert client.post(path, fields(company="Acme", on=str(day(1)))).status_code == 303
    assert client.post(path, fields(company="Acme", on=str(day(2)))).status_code == 422
    assert Interview.objects.get().company == "Acme"


def test_an_interview_in_what_became_a_break_can_still_be_renamed(who):
    interview = planned(who, 22)
    User.objects.filter(pk=who.pk).update(break_from=day(20), break_until=day(24))
    path = f"/interviews/{interview.pk}/"
    assert client_of(who).post(path, fields(company="Acme Ltd", on=str(day(22)))).status_code == 303


def test_a_change_that_is_refused_changes_nothing(who):
    interview = planned(who, 30)
    response = client_of(who).post(f"/interviews/{interview.pk}/", fields(company="", on=str(day(31))))
    assert response.status_code == 422
    assert "<h1>Interview at Acme</h1>" in html_of(response)
    assert Interview.objects.get().on == day(30)


def test_deleting_says_how_many_cards_are_back(who, time_machine):
    steady(who, deck(2))
    interview = planned(who, 50)
    time_machine.move_to(at(24), tick=False)
    client = client_of(who)
    assert client.post(f"/interviews/{interview.pk}/delete/").status_code == 303
    assert told(client) == "Interview deleted. 2 cards are back on their own days."
    assert not Interview.objects.exists()
    assert set(ReviewState.objects.values_list("due_on", "own_due_on")) == {(day(61), None)}


def test_somebody_else_s_interview_is_as_missing_as_one_that_never_was(who):
    theirs = planned(learner(), 30)
    client = client_of(who)
    for pk in (theirs.pk, theirs.pk + 1):
        assert client.get(f"/interviews/{pk}/").status_code == 404
        assert client.post(f"/interviews/{pk}/", fields()).status_code == 404
        assert client.post(f"/interviews/{pk}/delete/").status_code == 404
    for act in (
        interviews.delete,
        lambda *args: interviews.change(args[0], args[1], Wanted("X", day(30)), args[2]),
    ):
        with pytest.raises(Missing):
            act(who, theirs.pk, at(10))
    assert Interview.objects.get().company == "Acme"


def test_deleting_and_setting_the_pace_are_posts(who):
    interview = planned(who, 30)
    client = client_of(who)
    assert client.get(f"/interviews/{interview.pk}/delete/").status_code == 405
    assert client.get("/interviews/pace/").status_code == 405


# Keeping the plan


def keeping(who: User, on: int = 20, **weights: int) -> Pace | None:
    interview = planned(who, on, weights={int(pk[1:]): weight for pk, weight in weights.items()})
    return interviews.pace(who, interview, 0, day(10))


def test_the_pace_counts_the_cards_that_are_not_started_and_the_days_that_are_left(who):
    cards = deck(16)
    for what in cards[:2]:
        graded(who, what, 4, at(9))
    assert keeping(who) == Pace(cards=14, before=0, days=10, needed=2, have=5, late=0)


def test_suspended_and_retired_cards_are_not_waited_for_and_buried_ones_are(who):
    cards = deck(4)
    reviewing.suspend(who, cards[0].pk, at(10))
    reviewing.bury(who, cards[1].pk, at(10))
    Card.objects.filter(pk=cards[2].pk).update(retired=True)
    pace = keeping(who)
    assert pace is not None
    assert pace.cards == 2


def test_topics_that_do_not_count_are_passed_through_only_where_they_come_first(who):
    first, second, third = deck(10), deck(4), deck(30)
    weights = {f"t{first[0].topic.pk}": 0} | {f"t{pk}": 0 for pk in {what.topic_id for what in third}}
    assert keeping(who, on=12, **weights) == Pace(cards=4, before=10, days=2, needed=7, have=5, late=0)
    assert len(second) == 4


def test_today_counts_only_what_is_left_of_its_allowance():
    assert interviews.paced([True] * 18, Plan(), day(20), 2, day(10), 5) == Pace(18, 0, 10, 2, 5, 0)
    assert interviews.paced([True] * 19, Plan(), day(20), 2, day(10), 5) == Pace(19, 0, 10, 3, 5, 0)


def test_the_days_of_a_break_are_not_counted():
    resting = Plan(None, day(10), day(14))
    assert interviews.paced([True] * 10, resting, day(20), 0, day(10), 5) == Pace(10, 0, 5, 2, 5, 0)


def test_a_pace_beyond_the_highest_setting_names_what_stays_out():
    pace = interviews.paced([True, False] * 250, Plan(), day(12), 0, day(10), 5)
    assert pace == Pace(cards=250, before=249, days=2, needed=250, have=5, late=50)
    assert not pace.possible
    assert interviews.paced([True], Plan(), day(10), 0, day(10), 5) == Pace(1, 0, 0, None, 5, 1)


def test_without_a_card_that_counts_there_is_no_pace():
    assert interviews.paced([False, False], Plan(), day(20), 0, day(10), 5) is None


def panel(client: Client) -> str:
    found = re.search(r'id="interview_pace".*?</section>', html_of(client.get("/interviews/")), re.DOTALL)
    return words_of(found[0]) if found else ""


def test_the_panel_says_what_is_needed_and_that_it_is_there(who):
    deck(14)
    planned(who, 20)
    text = panel(client_of(who))
    assert (
        "14 cards aren’t started yet, 10 days left: 2 new cards a day get you through all of them. "
        "You have 5 a day."
    ) in text
    assert "Set " not in text


def test_the_panel_offers_what_is_needed_and_setting_it_keeps_the_plan(who):
    deck(14)
    planned(who, 12)
    client = client_of(who)
    assert "Set 7 new cards a day" in panel(client)
    response = client.post("/interviews/pace/", {"new_cards_per_day": "7"})
    assert (response.status_code, response["Location"]) == (303, "/interviews/")
    assert told(client) == "From now on you get 7 new cards a day."
    who.refresh_from_db()
    assert who.new_cards_per_day == 7
    assert "Set " not in panel(client)


@pytest.mark.parametrize("a_day", ["0", "201", "-1", "x", ""])
def test_a_pace_out_of_bounds_is_refused(who, a_day):
    response = client_of(who).post("/interviews/pace/", {"new_cards_per_day": a_day})
    assert response.status_code == 422
    assert "New cards a day must be a whole number from 1 to 200." in html_of(response)
    who.refresh_from_db()
    assert who.new_cards_per_day == 5
    with pytest.raises(ValueError, match="0 to 200"):
        interviews.set_pace(who, 201)


def test_the_panel_says_honestly_when_it_cannot_be_done(who):
    deck(450)
    interview, client = planned(who, 12), client_of(who)
    text = panel(client)
    assert (
        "450 cards aren’t started yet, 2 days left: "
        "even 200 new cards a day, the most there are, leave 50 out." in text
    )
    assert "Set " not in text
    Interview.objects.filter(pk=interview.pk).update(on=day(10))
    assert "450 cards aren’t started yet, no day left to start all of them." in panel(client)


def test_the_panel_names_the_cards_that_come_first_although_they_do_not_count(who):
    others, mine = deck(3), deck(1)
    planned(who, 12, weights={others[0].topic.pk: 0})
    assert (
        "1 card isn’t started yet, 2 days left: 2 new cards a day get you through it. "
        "That includes 3 cards of topics that don’t count, since they come first. You have 5 a day."
    ) in panel(client_of(who))
    graded(who, mine[0], 4, at(10))
    assert panel(client_of(who)) == ""


# The review


def test_the_buttons_say_for_which_day_the_plan_moves_the_card(who, time_machine):
    what = card()
    answered(who, what, 4, 4, 4)
    planned(who, 45)
    time_machine.move_to(at(23), tick=False)
    html = html_of(client_of(who).get("/review/?side=a"))
    shown = re.findall(r'aria-label="(\w+)[^"]*?(, before your interview)?: [^"]*">(.*?)</button>', html)
    assert [(name, bool(planned), "for 15 Apr" in inside) for name, planned, inside in shown] == [
        ("Again", False, False), ("Hard", True, True), ("Good", True, True), ("Easy", True, True)
    ]  # fmt: skip


def test_a_card_brought_ahead_is_called_so_until_it_is_answered(who, time_machine):
    what = card()
    answered(who, what, 4, 4, 4)
    planned(who, 20)
    on = state(who, what).due_on
    assert on is not None
    time_machine.move_to(at((on - day(1)).days + 1), tick=False)
    client = client_of(who)
    page = words_of(html_of(client.get("/review/")))
    assert "Before your interview" in page
    assert "1 of 1" in page
    client.post(f"/review/{what.pk}/grade/", {"grade": 4, "submission": "0" * 31 + "1", "version": 4})
    assert client.get("/review/")["Location"] == "/review/done/"
    assert state(who, what).due_on == day(23)
