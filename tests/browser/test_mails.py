"""Our mails as a mail program with Chromium's engine shows them, in a window and on a phone."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from flashcards import queue
from flashcards.models import Card, Interview
from flashcards.reminders import weekly, writing
from tests.browser.looks import DARK, LIGHT, assert_accessible
from tests.making import deck, graded, learner, scheduled

pytestmark = pytest.mark.django_db(transaction=True)

A_DAY = timedelta(days=1)
WINDOW, PHONE = 600, 360
LOOKS: dict[str, dict[str, Any]] = {
    f"{name}-{width}": {"viewport": {"width": width, "height": 740}, **theme}
    for width in (WINDOW, PHONE)
    for name, theme in (("light", LIGHT), ("dark", DARK))
}
in_every_window = pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
BACKGROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 16, 20)"}
LONG = "W" * 300 + " " + "\u202e<b>evil</b> " * 15
FINGER = 44  # pixels
REVIEW = re.compile(r"Review \d+ cards")


@pytest.fixture(autouse=True)
def _address(settings: Any, live_server: LiveServer) -> None:
    settings.BASE_URL = live_server.url


@pytest.fixture
def who(transactional_db: None) -> User:
    """Return a learner with something of each sort left today, and a week of answers behind it."""
    now = timezone.now()
    found = learner(new_cards_per_day=3, reminders=True, weekly_summary=True, mails_unanswered=6)
    today = queue.today_of(found, now)
    found.interview_on = today + 18 * A_DAY
    found.save()
    Interview.objects.create(learner=found, company="Acme", on=found.interview_on)
    cards = deck(30)
    for place, card in enumerate(cards[:9]):
        graded(found, card, 4, now - (10 - place) * A_DAY)
    for place, card in enumerate(cards[9:20]):
        scheduled(found, card, today + (place % 8 - 2) * A_DAY)
    return found


def mail(who: User, kind: str = "daily") -> str:
    """Return the HTML of a mail that would come today."""
    today = queue.today_of(who, timezone.now())
    if kind == "weekly":
        summary = weekly.weekly(who, today)
        assert summary
        return summary.html
    looked = queue.look(who, today)
    return writing.daily(who, looked, today, last=kind == "last").html


def kinds_of_mail(who: User) -> list[str]:
    """Return each kind of mail as HTML, the daily one also with a text that is hard to fit in."""
    kinds = [mail(who, kind) for kind in ("daily", "last", "weekly")]
    newcomer = learner(new_cards_per_day=5)
    kinds.append(mail(newcomer))
    Card.objects.update(question=LONG)
    return [*kinds, mail(who)]


def theme_of(look: dict[str, Any]) -> str:
    return str(look["color_scheme"])


@in_every_window
def test_every_mail_fits_the_window_and_is_accessible(page: Page, who: User, look: dict[str, Any]):
    for html in kinds_of_mail(who):
        page.set_content(html)
        assert page.evaluate("document.documentElement.scrollWidth") <= look["viewport"]["width"]
        expect(page.locator("body")).to_have_css("background-color", BACKGROUND[theme_of(look)])
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert_accessible(page)


@in_every_window
def test_the_column_is_520_pixels_wide_at_most(page: Page, who: User, look: dict[str, Any]):
    page.set_content(mail(who))
    box = page.get_by_role("heading", level=1).bounding_box()
    assert box
    room = {WINDOW: 520, PHONE: 320}[look["viewport"]["width"]]
    assert box["width"] == room


@in_every_window
def test_the_button_is_as_large_as_a_finger(page: Page, who: User, look: dict[str, Any]):
    page.set_content(mail(who))
    button = page.get_by_role("link", name=REVIEW)
    box = button.bounding_box()
    assert box
    assert box["height"] >= FINGER
    if look["viewport"]["width"] == PHONE:
        assert box["width"] == 320


def test_the_line_for_the_list_of_mails_isnt_shown_in_the_mail(page: Page, who: User):
    page.set_content(mail(who))
    expect(page.get_by_text("First up", exact=True)).to_be_visible()
    expect(page.get_by_text("First up: ")).to_be_hidden()


def test_no_mail_asks_anybody_for_anything_when_it_is_opened(page: Page, who: User):
    asked = list[str]()
    page.on("request", lambda request: asked.append(request.url))
    for html in kinds_of_mail(who):
        page.set_content(html)
    assert not asked


@pytest.mark.parametrize("kind", ["daily", "last", "weekly"])
def test_every_link_leads_to_a_page_of_ours_and_changes_nothing_by_itself(page: Page, who: User, kind: str):
    before = User.objects.values().get(pk=who.pk)
    page.set_content(mail(who, kind))
    urls = [str(link.get_attribute("href")) for link in page.get_by_role("link").all()]
    assert len(urls) >= 5
    for url in urls:
        answer = page.goto(url)
        assert answer
        assert answer.ok, url
    assert User.objects.values().get(pk=who.pk) == before


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        (REVIEW, "Question"),
        ("Change the hour", "Settings"),
        ("until tomorrow", "Snooze mails"),
        ("for a week", "Snooze mails"),
        ("Stop these mails", "Stop the daily reminder?"),
    ],
)
def test_a_link_keeps_what_it_says(
    page: Page, who: User, sign_in: Callable[[User], None], name: str | re.Pattern[str], heading: str
):
    sign_in(who)
    page.set_content(mail(who))
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(heading)


def test_change_the_hour_opens_the_panel_where_it_is_changed(
    page: Page, who: User, sign_in: Callable[[User], None]
):
    sign_in(who)
    page.set_content(mail(who))
    page.get_by_role("link", name="Change the hour").click()
    expect(page.locator("#reminders")).to_be_in_viewport()
    expect(page.get_by_label("Hour")).to_be_visible()
