"""The dashboard in a browser: every table open, each drawing in the size that fits, nothing cut off."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from flashcards import planning
from flashcards.models import Card, DayStat, Interview, ReviewState
from tests.browser.looks import LOOKS, assert_accessible, every_look, on_the_phone
from tests.making import learner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def who(transactional_db: None, sign_in: Callable[[User], None]) -> User:
    """Return a learner with two months behind them and an interview ahead."""
    call_command("seed", verbosity=0)
    user = learner(time_zone="UTC", day_start=0)
    today = timezone.now().date()
    studied(user, today)
    Interview.objects.create(learner=user, company="Acme", on=today + timedelta(days=18))
    planning.replan(user, today, timezone.now())
    sign_in(user)
    return user


def studied(user: User, today: date) -> None:
    DayStat.objects.bulk_create(
        DayStat(
            learner=user,
            day=today - timedelta(days=ago),
            answers=ago % 18,
            tested=1 + ago % 6,
            recalled=ago % 6,
        )
        for ago in range(60)
        if ago % 6 < 5 or not ago % 5
    )
    ReviewState.objects.bulk_create(
        ReviewState(
            learner=user,
            card=what,
            repetitions=3,
            interval=8 + n,
            due_on=today + timedelta(days=n - 3),
            introduced_on=today - timedelta(days=40),
            last_reviewed_on=today - timedelta(days=11),
            stability=3.0 + n,
            difficulty=5.0,
            remembered_on=today - timedelta(days=11),
        )
        for n, what in enumerate(Card.objects.order_by("position")[:40])
    )


def open_everything(page: Page) -> None:
    for summary in page.locator("main summary").all():
        summary.click()
    expect(page.locator("main details:not([open])")).to_have_count(0)


@every_look
def test_with_every_table_open_the_page_is_accessible_and_fits(page: Page, who: User):
    page.goto("/dashboard/")
    open_everything(page)
    assert_accessible(page)
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]


@pytest.mark.parametrize(
    ("look", "shown", "hidden"),
    [(LOOKS["desktop-light"], "wide", "narrow"), (LOOKS["phone-light"], "narrow", "wide")],
    ids=["desktop", "phone"],
)
def test_each_drawing_is_shown_once_in_the_size_that_fits(page: Page, who: User, shown: str, hidden: str):
    page.goto("/dashboard/")
    for kind in ("cal", "load", "weeks"):
        expect(page.locator(f".{kind}.{shown}")).to_be_visible()
        expect(page.locator(f".{kind}.{hidden}")).to_be_hidden()
        expect(page.locator(f".{kind}.{shown} .today, .{kind}.{shown} text").last).to_be_visible()


@on_the_phone
def test_on_a_phone_the_four_pages_of_the_navigation_stand_in_one_line(page: Page, who: User):
    page.goto("/dashboard/")
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    expect(links).to_have_text(["Today", "Dashboard", "Browse", "Decks"])
    boxes = [box for link in links.all() if (box := link.bounding_box())]
    assert len({box["y"] for box in boxes}) == 1
    assert all(box["width"] >= 44 and box["height"] >= 44 for box in boxes), boxes
