"""How good the estimate is, with evidence enough to draw it, on every screen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.looks import LOOKS, assert_accessible, every_look
from tests.making import answered, deck, learner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def who(transactional_db: None, sign_in: Callable[[User], None]) -> User:
    """Return a learner who missed six of 24 cards on the second day and three on the third."""
    user = learner()
    for place, card in enumerate(deck(24)):
        answered(user, card, 4, 2 if place % 4 == 0 else 4, 2 if place % 8 == 1 else 5)
    sign_in(user)
    return user


def width(page: Page) -> int:
    wide: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wide


@every_look
def test_the_forecast_with_evidence(page: Page, who: User):
    page.goto("/dashboard/forecast/")
    expect(page.get_by_role("img", name="Predicted against recalled")).to_be_visible()  # one of the two sizes
    expect(page.get_by_role("row", name="90–95%")).to_contain_text("outside")
    assert width(page) <= 0
    assert_accessible(page)


@pytest.mark.parametrize("look", [LOOKS["phone-light"] | {"viewport": {"width": 320, "height": 640}}])
def test_at_400_percent_zoom_it_does_not_scroll_sideways(page: Page, who: User):
    page.goto("/dashboard/forecast/")
    assert width(page) <= 0
