"""What the daily reminder says, how a mail leaves, and that no text can break it."""

import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import available_timezones

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from flashcards import progress, queue, reviewing
from flashcards.models import Card
from flashcards.reminders import links, words, writing
from flashcards.reminders.writing import Written
from tests import making
from tests.accounts.people import ADA, account
from tests.making import at, day, deck, graded, learner, scheduled
from tests.running.well_formed import parsed, troubles
from tests.visiting import client_of, words_of

pytestmark = pytest.mark.django_db

TODAY = day(30)
HERE = "https://engram.example"
HOSTILE = (Path(__file__).parent / "hostile_texts.txt").read_text().splitlines()
BREAKING = [
    "one\r\nBcc: eve@evil.example\r\n\r\ntwo",
    "up\u202eside\u2066down\u200f",
    "page\x0cline\u2028paragraph\u2029next\x85end",
    "bell\x07 delete\x7f",
    "x" * 500,
    "€" * 500,
    "e" + "\u0300" * 499,
    "<" * 500,
    "--\nStop these mails:\nhttps://evil.example/",
    "{{ settings.SECRET_KEY }}{% debug %}",
    "   ",
]


@pytest.fixture(autouse=True)
def _address(settings):
    settings.BASE_URL = HERE


def someone(late=0, due=0, new=0, **settings) -> User:
    """Return a learner with so many cards of each sort left, and one answered before, put away since."""
    who = learner(**({"new_cards_per_day": new} | settings))
    seen, *cards = deck(1 + late + due + new)
    graded(who, seen, 4, at(1))
    reviewing.suspend(who, seen.pk, at(1))
    for place, card in enumerate(cards[: late + due]):
        scheduled(who, card, TODAY - timedelta(days=3 if place < late else 0))
    return who


def daily(who: User, today=TODAY, last=False) -> Written:
    return writing.daily(who, queue.look(who, today), today, last=last)


def asked(question: str) -> Written:
    """Return the mail of somebody whose first card asks this."""
    who = someone(due=1)
    Card.objects.update(question=question)
    return daily(who)


def sent(who: User, written: Written, kind="daily", message_id="<1@engram.example>") -> bytes:
    """Return the mail as it leaves."""
    content: bytes = writing.message(who, kind, written, message_id).message().as_bytes()
    return content.replace(b"\n", b"\r\n")


def paragraphs(written: Written) -> list[str]:
    """Return the paragraphs of the text, each on one line."""
    return [" ".join(paragraph.split()) for paragraph in written.text.split("\n\n")]


def urls_in(text: str) -> list[str]:
    return re.findall(r"https?://[^\s\"<>]+", unescape(text))


class Tags(HTMLParser):
    """The tags of a page with the names of their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen = list[tuple[str, list[str]]]()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, [name for name, _ in attrs]))


def test_the_subject_says_how_many_cards_and_how_long_they_take():
    who = someone(late=2, due=6, new=1)
    assert progress.minutes(who, 9, TODAY) == 3
    assert daily(who).subject == "9 cards today, about 3 minutes"


def test_one_card_is_one_and_a_minute_is_one():
    written = daily(someone(due=1))
    assert written.subject == "1 card today, about 1 minute"
    assert "1 card is ready, about 1 minute. It is due." in paragraphs(written)
    assert "Review 1 card: https://engram.example/review/" in paragraphs(written)


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ({"late": 2, "due": 6, "new": 1}, "2 are late, 6 are due, 1 is new."),
        ({"late": 1, "due": 1}, "1 is late, 1 is due."),
        ({"late": 3}, "All of them are late."),
        ({"new": 1}, "It is new."),
        ({"late": 3, "due": 4, "new": 2, "reviews_per_day": 5}, "3 are late, 2 are due."),
        ({"late": 3, "due": 4, "reviews_per_day": 2}, "All of them are late."),
    ],
)
def test_it_says_what_sorts_of_cards_are_left(cards, said):
    assert re.search(rf"minutes?\. {re.escape(said)}$", paragraphs(daily(someone(**cards)))[1])


def test_a_card_that_comes_again_today_is_counted_as_such():
    who, (first, second) = learner(), deck(2)
    for what in (first, second):
        graded(who, what, 2, at(30))
    assert "All of them come once more." in paragraphs(daily(who))[1]
    graded(who, first, 4, at(30, 13))
    assert "It comes once more." in paragraphs(daily(who))[1]


@pytest.mark.parametrize("limit", [1000, 5, 2, 0])
def test_the_dashboard_calls_the_same_cards_late(limit, time_machine):
    time_machine.move_to(at(30), tick=False)
    who = someone(late=4, due=3, new=2, reviews_per_day=limit)
    reviewing.bury(who, queue.due(who, TODAY)[0].card_id, at(30))
    seen = client_of(who).get("/dashboard/").context
    said = paragraphs(daily(who))[1] if limit else ""
    for name in ("late", "due"):
        if count := seen[name]:
            assert re.search(rf"\b{count} (is|are) {name}|All of them are {name}", said)
        else:
            assert f" {name}" not in said


@pytest.mark.parametrize("cards", [{"late": 2, "due": 3, "new": 2}, {"new": 3}, {"due": 1, "new": 9}])
def test_first_up_is_the_card_that_the_review_shows(cards):
    who = someone(**cards)
    item = making.shown(who, at(30))
    assert item
    written = daily(who)
    assert f"First up: {item.card.question}" in paragraphs(written)
    assert f">First up: {item.card.question}<" in written.html


def test_the_preview_line_ends_with_a_whole_word():
    question = "Which of the many kinds of drift do you watch for in a model that is live, and in what order?"
    written = asked(question)
    preview = "First up: Which of the many kinds of drift do you watch for in a model that is live, and…"
    assert f">{preview}<" in written.html
    assert question in words_of(written.html).replace(preview, "")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("short", "short"),
        ("twelve chars", "twelve chars"),
        ("eleven, more", "eleven, more"),
        ("eleven, chars", "eleven…"),
        ("unbreakable-word", "unbreakable…"),
        ("a bcdefghijklmnop", "a bcdefghij…"),
    ],
)
def test_a_text_is_cut_between_words_where_it_can_be(text, kept):
    assert words.cut(text, 12) == kept


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (0, "Your interview is today."),
        (1, "Your interview is tomorrow."),
        (18, "Your interview is in 18 days."),
        (1200, "Your interview is in 1,200 days."),
    ],
)
def test_it_says_when_the_next_interview_is(ahead, said):
    written = daily(someone(due=1, interview_on=TODAY + timedelta(days=ahead)))
    assert paragraphs(written)[1].endswith(said)
    assert said in words_of(written.html)


@pytest.mark.parametrize("on", [None, TODAY - timedelta(days=1)])
def test_without_an_interview_to_come_it_says_nothing_of_one(on):
    written = daily(someone(due=1, interview_on=on))
    assert "interview" not in written.text + written.html


def test_who_never_began_is_invited_to_the_first_cards():
    who = learner(new_cards_per_day=5)
    deck(9)
    written = daily(who)
    assert written.subject == "Your first 5 cards, about 2 minutes"
    said = paragraphs(written)
    assert said[1].startswith("Your first 5 cards are ready, about 2 minutes. You’ll see a question,")
    assert "First up: Question 1?" in said
    assert "Start with 5 cards: https://engram.example/review/" in said
    assert "late" not in written.text


def test_the_only_first_card_is_one():
    who = learner(new_cards_per_day=1)
    deck(2)
    written = daily(who)
    assert written.subject == "Your first card, about 1 minute"
    assert "Your first card is ready, about 1 minute." in words_of(written.html)


@pytest.mark.parametrize("began", [True, False])
def test_the_last_one_says_so_and_how_to_get_them_again(began):
    who = someone(due=9) if began else learner(new_cards_per_day=9)
    deck(9)
    who.mails_unanswered = 6
    written = daily(who, last=True)
    said = "9 cards today" if began else "your first 9 cards"
    assert written.subject == f"The last reminder for now: {said}, about 3 minutes"
    assert paragraphs(written)[1] == (
        "This is the last reminder for now. The 6 before it weren’t followed by an answer, so we stop here. "
        "To get them again, answer any card, or save your reminders in settings: "
        "https://engram.example/settings/#reminders"
    )
    assert "last" not in daily(who).text


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "at 08:00 UTC on days when cards are due"),
        ({"time_zone": "Europe/Berlin", "remind_at": 39}, "at 19:30 Berlin time on days when cards are due"),
        ({"time_zone": "America/Argentina/Buenos_Aires"}, "at 08:00 Buenos Aires time on days"),
        ({"time_zone": "Etc/GMT+5"}, "at 08:00 Etc/GMT+5 on days"),
        ({"remind_days": 0b0011111}, "on weekdays when cards are due"),
        ({"remind_days": 0b0000001}, "on Mondays when cards are due"),
        ({"remind_days": 0b1100010}, "on Tuesdays, Saturdays and Sundays when cards are due"),
        ({"remind_days": 0}, "on days when cards are due"),
        ({"remind_from_cards": 5}, "on days when at least 5 cards are due"),
    ],
)
def test_it_says_when_and_why_it_comes(chosen, said):
    who = someone(due=9, **chosen)
    why = next(line for line in paragraphs(daily(who)) if line.startswith("-- You get this"))
    assert said in why
    assert why.endswith(", because you turned reminders on.")


def test_every_time_zone_can_be_said():
    for zone in available_timezones():
        said = words.time_in("08:00", zone)
        assert "_" not in said
        assert not ("/" in said and "Etc/" not in said)


def test_each_link_stands_alone_in_the_text_and_leads_where_the_page_leads():
    who = someone(due=3)
    written = daily(who)
    snooze = links.snooze_url(who.pk)
    wanted = {
        f"{HERE}/review/",
        f"{HERE}/settings/#reminders",
        f"{snooze}?for=day",
        f"{snooze}?for=week",
        links.unsubscribe_url(who.pk, "daily"),
    }
    assert [line for line in written.text.splitlines() if "://" in line] == urls_in(written.text)
    assert set(urls_in(written.text)) == set(urls_in(written.html)) == wanted


@pytest.mark.parametrize("last", [True, False])
def test_both_parts_say_the_same(last):
    who = someone(late=2, due=6, new=1, interview_on=day(48), mails_unanswered=6)
    written = daily(who, last=last)
    seen = re.sub(r"\s", "", words_of(unescape(written.html)))
    only_here = {"--", "Snoozeuntiltomorrow", "Snoozeforaweek"}
    said = {re.sub(r"\s|^First up:|:$", "", line) for line in written.text.splitlines() if "://" not in line}
    assert [part for part in said - only_here if part not in seen] == []


def test_it_is_small_and_loads_nothing():
    written = asked("Which kinds of drift? " * 20)
    assert len(written.html.encode()) < 12_000
    assert not re.search(r"<img|<link|<script|src=|url\(|@import|<form", written.html)
    assert all(url.startswith(f"{HERE}/") for url in urls_in(written.html + written.text))


def test_the_lines_of_the_text_fit_a_terminal():
    for last in (True, False):
        written = daily(someone(late=2, due=6, new=1, remind_days=0b1111110, mails_unanswered=6), last=last)
        assert all(len(line) <= 78 or "://" in line for line in written.text.splitlines())
        assert "\n\n\n" not in written.text
        assert "&" not in written.text


def test_apostrophes_and_brackets_stay_themselves_in_the_text():
    assert 'First up: What’s a < b && c > d in "Tom\'s" query?' in paragraphs(
        asked('What’s a < b && c > d in "Tom\'s" query?')
    )


@pytest.mark.parametrize("text", [*HOSTILE, *BREAKING])
def test_no_question_breaks_a_mail(text):
    harmless = asked("What?")
    who = someone(due=1)
    Card.objects.update(question=text[:500])
    written = daily(who)
    if text.strip():
        assert Tags(written.html).seen == Tags(harmless.html).seen
        assert len(written.text.split("\n\n")) == len(harmless.text.split("\n\n"))
    assert written.subject == harmless.subject
    content = sent(who, written)
    names = parsed(content).keys()
    assert names == parsed(sent(who, harmless)).keys()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert not [found for found in troubles(content, [who.email]) if not found.startswith("names ")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]", written.text)


def test_what_isnt_seen_is_left_out_and_what_is_stays():
    assert words.plain("a\x00b\ud800c") == "abc"
    assert words.plain(" a\r\n\tb\u00a0c ") == "a b c"
    assert words.plain("د\u200cه 👩\u200d💻 e\u0301") == "د\u200cه 👩\u200d💻 e\u0301"


def test_a_mail_carries_the_headers_of_a_list_that_one_can_leave():
    who = account(ADA)
    written = Written("9 cards today", "Hello,\n", "<p>Hello,</p>")
    mail = parsed(sent(who, written, message_id="<k@engram.example>"))
    usual = ("Date", "Content-Type", "MIME-Version")
    assert {name: value.strip() for name, value in mail.items() if name not in usual} == {
        "Subject": "9 cards today",
        "From": "Engram <engram@localhost>",
        "To": ADA,
        "Message-ID": "<k@engram.example>",
        "List-Unsubscribe": f"<{links.unsubscribe_url(who.pk, 'daily')}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": "Daily reminder <daily.engram.example>",
        "Auto-Submitted": "auto-generated",
    }


def test_the_weekly_list_is_another_one():
    who = account(ADA)
    mail = parsed(sent(who, Written("Your week", "Hello,\n", "<p>Hello,</p>"), "weekly"))
    assert mail["List-Id"] == "Weekly summary <weekly.engram.example>"
    assert mail["List-Unsubscribe"].strip() == f"<{links.unsubscribe_url(who.pk, 'weekly')}>"


def test_it_leaves_as_text_with_html_beside_it():
    who = someone(due=2)
    written = daily(who)
    mail = parsed(sent(who, written))
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert {part.get_content_charset() for part in (text, html)} == {"utf-8"}
    assert text.get_content().replace("\r\n", "\n").strip() == written.text.strip()
    assert html.get_content().replace("\r\n", "\n").strip() == written.html.strip()
    assert not troubles(sent(who, written), [who.email])


@pytest.mark.parametrize("cards", [{"due": 1}, {"late": 40, "due": 40, "new": 40, "interview_on": day(60)}])
def test_it_takes_two_statements_beside_the_look_at_the_day(cards):
    who = someone(**cards)
    looked = queue.look(who, TODAY)
    with CaptureQueriesContext(connection) as captured:
        written = writing.daily(who, looked, TODAY, last=False)
        sent(who, written)
    assert len(captured) == 2
