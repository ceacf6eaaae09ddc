"""Cards moved in portions: the page says how far that is by itself, and without JavaScript by a link."""

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from flashcards import breaks
from flashcards.models import ReviewState
from flashcards.scheduling.days import ONE_DAY
from tests.browser.looks import assert_accessible, either_screen_and_theme, without_javascript
from tests.making import deck, learner, scheduled

pytestmark = pytest.mark.django_db(transaction=True)

CARDS = 12


@pytest.fixture
def who(settings, sign_in: Callable[[User], None]) -> User:
    """Return a learner with a break of two days for which four of twelve cards have moved so far."""
    settings.CARDS_AT_ONCE = CARDS // 3
    user, today = learner(), timezone.localdate()
    for what in deck(CARDS):
        scheduled(user, what, today + ONE_DAY)
    breaks.plan(user, today + ONE_DAY, today + 2 * ONE_DAY, timezone.now())
    sign_in(user)
    return user


@either_screen_and_theme
def test_how_far_it_is_shows_itself_anew_and_goes_when_it_is_done(page: Page, who: User):
    page.goto("/break/")
    note = page.locator("#moving")
    expect(note).to_have_text(re.compile("4 of 12 are where they belong"))
    expect(page.locator("#break_planned")).to_contain_text("So far: 4 cards that would come in it")
    assert_accessible(page)
    page.get_by_label("Last day").fill("2126-01-01")  # what is being typed stays
    expect(note).to_have_count(0)
    expect(page.locator("#break_planned")).to_contain_text("12 cards that would come in it")
    expect(page.locator("#break_planned")).not_to_contain_text("So far")
    expect(page.get_by_label("Last day")).to_have_value("2126-01-01")
    assert not ReviewState.objects.filter(learner=who, own_due_on=None).exists()


@without_javascript
def test_without_javascript_a_link_moves_the_next_ones_and_says_how_far_it_is(page: Page, who: User):
    page.goto("/break/")
    for done in (4, 8):
        expect(page.locator("#moving")).to_contain_text(f"{done} of 12 are where they belong")
        page.get_by_role("link", name="Move the next ones").click()
    expect(page.locator("#moving")).to_have_count(0)
    expect(page.locator("#break_planned")).to_contain_text("12 cards that would come in it")
