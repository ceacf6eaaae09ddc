"""The last-night sheet on paper: two A4 pages, nothing but the sheet, black on white."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from flashcards import night_sheet, notes
from flashcards.models import Card, Interview
from tests.browser.looks import without_javascript
from tests.making import learner, scheduled

pytestmark = pytest.mark.django_db(transaction=True)

A4 = (595, 842)  # points
PAGE = re.compile(rb"/Type\s*/Page\b")
BOX = re.compile(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)")
LONG = "Think of the **smoke detector**: it may cry wolf, but it must never miss a fire. " * 40
SHORT = "From my own project: a miss cost us 40 times as much as a false alarm."


@pytest.fixture
def who(transactional_db: None, sign_in: Callable[[User], None]) -> User:
    """Return a learner of the whole deck, its weakest cards from anywhere in it, with a note on each."""
    call_command("seed", verbosity=0)
    user = learner(theme="dark")
    today = timezone.now().date()
    Interview.objects.create(
        learner=user, company="Acme", role="MLOps engineer", on=today + timedelta(days=9)
    )
    for place, card in enumerate(Card.objects.order_by("position")):
        stability = 3.0 + place * 7 % 50
        known = {"stability": stability, "difficulty": 5.0, "remembered_on": today - timedelta(days=5)}
        scheduled(user, card, date(2126, 1, 1), **known)
        notes.save(user, card.pk, (SHORT, LONG, "- one\n- two\n- three\n")[place % 3], "")
    sign_in(user)
    return user


class AtRisk(NamedTuple):
    """A card that will slip."""

    card_id: int
    recall: float = 0.5


def printed(page: Page) -> bytes:
    pdf: bytes = page.pdf(prefer_css_page_size=True)
    return pdf


def test_with_notes_it_fills_two_a4_pages_and_no_more(page: Page, who: User):
    page.goto("/dashboard/sheet/")
    assert page.locator(".sheet__card").count() >= 10
    pdf = printed(page)
    assert len(PAGE.findall(pdf)) == 2
    assert {tuple(round(float(side)) for side in box) for box in BOX.findall(pdf)} == {A4}


def test_without_notes_sixteen_cards_fit_on_two_pages(page: Page, who: User):
    who.notes.all().delete()
    page.goto("/dashboard/sheet/")
    assert page.locator(".sheet__card").count() >= 14
    assert len(PAGE.findall(printed(page))) == 2


def test_no_card_of_the_deck_prints_taller_than_it_was_counted(
    page: Page, who: User, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(night_sheet, "MOST_CARDS", 50)
    monkeypatch.setattr(night_sheet, "COLUMNS", (10_000,))
    page.set_viewport_size({"width": 703, "height": 1000})  # what A4 leaves between its margins
    page.emulate_media(media="print")
    page.goto("/dashboard/sheet/")
    line = float(
        page.locator(".sheet__lede").first.evaluate("e => parseFloat(getComputedStyle(e).lineHeight)")
    )
    heights = {
        str(card.locator("h2").text_content()): card.bounding_box()["height"] / line  # type: ignore[index]
        for card in page.locator(".sheet__card").all()
    }
    found = Card.objects.in_bulk()
    counted = {
        sheet_card.card.question: night_sheet.lines(sheet_card)
        for sheet_card in night_sheet.sheet_cards(who, [AtRisk(pk) for pk in found])
    }
    assert len(heights) == 50
    assert {question: height for question, height in heights.items() if height > counted[question]} == {}


def test_on_paper_there_is_nothing_but_the_sheet_black_on_white(page: Page, who: User):
    page.goto("/dashboard/sheet/")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for gone in (".topbar", ".sitefoot", ".sheet__how", "[data-prints]"):
        expect(page.locator(gone)).to_be_hidden()
    expect(page.locator("body")).to_have_css("color", "rgb(0, 0, 0)")
    link = page.locator(".sheet__card h2 a").first
    expect(link).to_have_css("text-decoration-line", "none")
    expect(page.locator(".sheet__card").first).to_have_css("break-inside", "avoid")
    expect(page.locator(".sheet__card").first).to_have_css("background-color", "rgb(255, 255, 255)")


def test_the_button_prints(page: Page, who: User):
    page.add_init_script("window.print = () => { document.title = 'Printed'; }")
    page.goto("/dashboard/sheet/")
    page.get_by_role("button", name="Print").click()
    expect(page).to_have_title("Printed")


@without_javascript
def test_without_javascript_there_is_no_button_but_the_way_to_print(page: Page, who: User):
    page.goto("/dashboard/sheet/")
    expect(page.get_by_role("button", name="Print")).to_have_count(0)
    expect(page.locator(".sheet__how")).to_contain_text("Print this page with Ctrl P")
