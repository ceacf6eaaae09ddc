"""Every page on every screen: accessible, within the width, nothing inline, and told apart by its title."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, Response

from accounts.models import User
from flashcards import interviews
from flashcards.interviews import Wanted
from flashcards.models import Card, Interview, Reminder
from flashcards.reminders import links
from tests.browser.looks import LOOKS, assert_accessible, either_screen_and_theme
from tests.making import answered, learner, scheduled

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = (
    "/",
    "/help/",
    "/about/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/nowhere/",
)
OWN = (
    "/today/",
    "/review/",
    "/review/?side=a",
    "/review/done/",
    "/catch-up/",
    "/break/",
    "/practice/",
    "/dashboard/",
    "/dashboard/forecast/",
    "/dashboard/sheet/",
    "/interviews/",
    "/interviews/{interview}/",
    "/browse/",
    "/browse/?q=precision",
    "/browse/?q=nothing+like+this",
    "/decks/",
    "/decks/ai-interview-top-50/",
    "/cards/{card}/",
    "/cards/{card}/note/",
    "/settings/",
    "/unsubscribe/{stop}/",
    "/snooze/{snooze}/?for=week",
    "/staff/reminders/",
    "/staff/operations/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
)
INLINE = re.compile(r"<[^>]*\s(?:style|on\w+)\s*=|<style|<script(?![^>]*\ssrc=)", re.IGNORECASE)
# A tenth of what a browser still rates as good: a formula takes its own font as soon as that has come.
MOST_SHIFT = 0.01


@pytest.fixture
def card(transactional_db: None) -> Card:
    call_command("seed", verbosity=0)
    card: Card = Card.objects.get(key="precision")
    return card


@pytest.fixture
def who(card: Card, sign_in: Callable[[User], None]) -> User:
    user = learner(new_cards_per_day=3, is_staff=True)
    for other in Card.objects.order_by("position")[:8]:
        answered(user, other, 4, 2, 4)
    answered(user, card, 5, 3, 4)
    scheduled(user, Card.objects.get(key="recall"), date(2126, 1, 1))  # for practice ahead
    weights = {card.topic_id: 2}
    wanted = Wanted("Acme", timezone.localdate() + timedelta(days=18), "MLOps engineer", weights)
    interviews.add(user, wanted, timezone.now())
    refused(user)
    sign_in(user)
    return user


def refused(user: User) -> None:
    """Store a mail that the page for staff has to tell about at length."""
    now, reason = timezone.now(), f"550 5.1.1 {'no-such-user-' * 9} rejected"
    Reminder.objects.create(
        learner=user,
        kind="daily",
        state="refused",
        reason=reason,
        intended_on=now.date(),
        message_id="<1@engram.example>",
        expires_at=now,
        next_try_at=now,
    )


def address(path: str, card: Card) -> str:
    """Return the path with the numbers that the database gave, and the tokens of the learner's mails."""
    interview = Interview.objects.get()
    stop = links.unsubscribe_url(interview.learner_id, "daily")
    tokens = {"stop": stop.split("/")[-2], "snooze": links.snooze_url(interview.learner_id).split("/")[-2]}
    return path.format(card=card.pk, interview=interview.pk, **tokens)


def visit(page: Page, path: str) -> Response:
    response = page.goto(path)
    assert response is not None
    return response


def tidy(page: Page, response: Response) -> None:
    """Assert what holds for every page; nothing moves by itself while it is built up."""
    assert not INLINE.search(response.text()), page.url
    assert page.locator("h1").count() == 1, page.url
    assert page.locator("main").count() == 1, page.url
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], f"{page.url} scrolls sideways: {width}"
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    assert sum(shift for shift, *_ in page.evaluate("shifts")) < MOST_SHIFT, page.evaluate("shifts")


@either_screen_and_theme
def test_the_public_pages(page: Page, card: Card, expected_trouble: list[str]):
    expected_trouble.append("status of 404")
    titles = set()
    for path in PUBLIC:
        tidy(page, visit(page, path))
        assert_accessible(page)
        titles.add(page.title())
    assert len(titles) == len(PUBLIC)


@either_screen_and_theme
def test_a_learners_pages(page: Page, card: Card, who: User):
    titles = set()
    for path in OWN:
        tidy(page, visit(page, address(path, card)))
        assert_accessible(page)
        titles.add(page.title())
    assert len(titles) == len(OWN), sorted(titles)


@pytest.mark.parametrize("look", [LOOKS["phone-light"] | {"viewport": {"width": 320, "height": 640}}])
def test_at_400_percent_zoom_nothing_scrolls_sideways(page: Page, card: Card, who: User):
    for path in OWN:
        tidy(page, visit(page, address(path, card)))


@pytest.mark.parametrize("look", [LOOKS["phone-light"] | {"viewport": {"width": 320, "height": 640}}])
def test_a_word_wider_than_the_screen_is_broken(page: Page, card: Card, who: User):
    Interview.objects.update(company="W" * 120)
    for path in ("/dashboard/", "/dashboard/sheet/", "/interviews/", "/interviews/{interview}/"):
        tidy(page, visit(page, address(path, card)))
    tidy(page, visit(page, "/browse/?q=" + "w" * 200))


# Were whatever changes a transition, however short, a page styled a moment late would jump into its place.
def test_who_wants_less_motion_sees_changes_at_once(page: Page, card: Card):
    visit(page, "/help/")  # the browser of these tests asks for less motion
    grown = "h1 => (h1.style.fontSize = '99px', getComputedStyle(h1).fontSize)"
    assert page.locator("h1").evaluate(grown) == "99px"
