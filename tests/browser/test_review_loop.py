"""The daily review in a real Chromium: by keyboard, by hand, offline, in two tabs, without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from accounts.models import Session, User
from flashcards.models import Card, ReviewLog
from tests.browser.looks import LOOKS, on_the_phone, without_javascript
from tests.making import deck, learner

pytestmark = pytest.mark.django_db(transaction=True)
LARGE_TARGET = 64  # CSS pixels
SignIn = Callable[[User], None]


@pytest.fixture
def cards(transactional_db: None) -> list[Card]:
    return deck(4)


@pytest.fixture
def who(cards: list[Card], sign_in: SignIn) -> User:
    user = learner(time_zone="Europe/Berlin")
    sign_in(user)
    return user


def question(page: Page, number: int):
    return page.get_by_role("heading", level=1, name=f"Question {number}?")


def answer(page: Page):
    return page.get_by_role("region", name="Answer")


def say(page: Page):
    return page.locator("#say")


def trouble(page: Page):
    return page.locator("#trouble")


def test_the_whole_loop_by_keyboard_alone(page: Page, who: User):
    page.goto("/today/")
    page.keyboard.press("r")
    for number, key in enumerate("3421", start=1):
        expect(question(page, number)).to_be_focused()
        expect(answer(page)).to_be_hidden()
        page.keyboard.press("Space")
        expect(answer(page)).to_be_focused()
        page.keyboard.press(key)
    expect(question(page, 3)).to_be_focused()  # graded Hard: once more today, oldest first
    expect(say(page)).to_contain_text("Question 4? graded Again, again today, then on")
    page.keyboard.press("u")
    expect(question(page, 4)).to_be_visible()
    expect(answer(page)).to_be_focused()
    expect(say(page)).to_have_text("Undone. Grade it again.")
    page.keyboard.press("3")
    expect(question(page, 3)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("3")
    expect(page.get_by_role("heading", level=1, name="Done for today")).to_be_visible()
    assert list(who.log.order_by("id").values_list("kind", "grade")) == [
        ("review", 4), ("review", 5), ("review", 3), ("review", 2),
        ("undo", None), ("review", 4), ("drill", 4),
    ]  # fmt: skip


@without_javascript
def test_the_whole_loop_without_javascript(page: Page, who: User):
    page.goto("/today/")
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_hidden()  # it would do nothing
    page.get_by_role("link", name="Start with 4 cards").click()
    page.get_by_label("Card actions").click()
    expect(page.get_by_role("link", name="Card history")).to_be_visible()
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_hidden()
    for number in (1, 2, 3, 4):
        expect(question(page, number)).to_be_visible()
        page.get_by_role("button", name="Show answer").click()
        page.get_by_role("button", name="Good,").click()
    expect(page.get_by_role("heading", level=1, name="Done for today")).to_be_visible()
    page.get_by_role("button", name="Undo last answer").click()
    expect(page.locator("#notice")).to_contain_text("Undone.")
    page.get_by_role("button", name="Easy,").click()
    expect(page.locator(".bignum")).to_contain_text("4 cards")
    assert who.log.filter(kind="review").count() == 5


def test_the_question_stays_where_it_is_when_the_answer_appears(page: Page, who: User):
    page.goto("/review/")
    before = question(page, 1).bounding_box()
    page.get_by_role("button", name="Show answer").click()
    expect(answer(page)).to_be_visible()
    assert question(page, 1).bounding_box() == before
    page.goto("/review/?side=a")
    assert question(page, 1).bounding_box() == before


def test_the_answer_is_shown_without_asking_the_server(
    page: Page, context: BrowserContext, who: User, expected_trouble: list[str]
):
    expected_trouble.append("icon.svg")  # which the browser fetches when it likes
    page.goto("/review/")
    context.set_offline(True)
    page.get_by_role("button", name="Show answer").click()
    expect(answer(page)).to_be_focused()


def test_four_fast_presses_give_one_row(page: Page, who: User):
    page.goto("/review/")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Good,").evaluate("b => { for (let i = 0; i < 4; i++) b.click(); }")
    expect(question(page, 2)).to_be_focused()
    assert who.log.count() == 1


def test_thinking_and_reading_are_timed(page: Page, who: User):
    page.goto("/review/")
    page.keyboard.press("Space")
    page.keyboard.press("3")
    expect(question(page, 2)).to_be_focused()
    row = who.log.get()
    assert row.thinking_ms is not None
    assert row.reading_ms is not None


def test_offline_the_card_stays_and_the_same_press_works_on_return(
    page: Page, context: BrowserContext, who: User, expected_trouble: list[str]
):
    expected_trouble += ["ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest"]
    page.goto("/review/")
    page.keyboard.press("Space")
    context.set_offline(True)
    good = page.get_by_role("button", name="Good,")
    good.focus()
    page.keyboard.press("Enter")
    expect(trouble(page)).to_contain_text("Your answer for this card hasn’t been saved")
    expect(good).to_be_focused()
    assert not ReviewLog.objects.exists()
    context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(question(page, 2)).to_be_focused()
    assert who.log.get().grade == 4


@pytest.mark.parametrize(("key", "done"), [("u", "Undone."), ("b", "is buried"), ("s", "is suspended")])
def test_offline_what_was_no_answer_is_not_called_one_and_works_on_return(
    page: Page, context: BrowserContext, who: User, expected_trouble: list[str], key: str, done: str
):
    expected_trouble += ["ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest"]
    page.goto("/review/")
    page.keyboard.press("Space")
    page.keyboard.press("3")
    expect(question(page, 2)).to_be_focused()
    context.set_offline(True)
    page.keyboard.press(key)
    expect(trouble(page)).to_contain_text("You’re offline, so nothing was changed.")
    context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#notice")).to_contain_text(done)


def test_a_connection_cut_after_the_answer_was_sent_is_not_called_unsaved_and_it_counts_once(
    page: Page, who: User, expected_trouble: list[str]
):
    expected_trouble += ["ERR_CONNECTION_RESET", "htmx:sendError", "htmx:afterRequest"]

    def reach_the_server_and_be_cut(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/grade/", reach_the_server_and_be_cut, times=1)
    page.goto("/review/")
    page.keyboard.press("Space")
    page.keyboard.press("3")
    expect(trouble(page)).to_contain_text("can’t tell whether your answer was saved")
    expect(trouble(page)).not_to_contain_text("hasn’t been saved")
    page.get_by_role("button", name="Try again").click()
    expect(question(page, 2)).to_be_focused()
    assert who.log.get().grade == 4


def test_an_expired_session_leads_to_the_log_in_and_back_to_the_card(page: Page, who: User, sign_in: SignIn):
    who.set_password("correct horse battery")
    who.save()
    sign_in(who)
    page.goto("/review/")
    page.keyboard.press("Space")
    Session.objects.all().delete()
    page.get_by_role("button", name="Good,").click()
    expect(page.get_by_text("You were signed out.")).to_be_visible()
    page.get_by_label("E-mail").fill(who.email)
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(question(page, 1)).to_be_visible()
    assert not ReviewLog.objects.exists()


def test_a_second_tab_is_told_and_given_the_next_card(
    page: Page, context: BrowserContext, who: User, expected_trouble: list[str]
):
    expected_trouble += ["status of 409"]
    page.goto("/review/")
    other = context.new_page()
    other.goto("/review/")
    other.keyboard.press("Space")
    other.keyboard.press("3")
    expect(question(other, 2)).to_be_focused()
    page.bring_to_front()
    page.keyboard.press("Space")
    page.keyboard.press("1")
    expect(page.locator("#notice")).to_contain_text("You already graded this card")
    expect(question(page, 2)).to_be_focused()
    expect(say(page)).to_contain_text("You already graded this card")
    assert who.log.get().grade == 4


def test_back_from_the_summary_shows_the_current_state_and_reload_posts_nothing(page: Page, who: User):
    page.goto("/today/")
    page.goto("/review/")
    for _ in range(4):
        page.keyboard.press("Space")
        page.keyboard.press("4")
        expect(answer(page)).to_be_hidden()
    expect(page.get_by_role("heading", level=1, name="Done for today")).to_be_visible()
    page.reload()
    page.go_back()
    expect(page.get_by_role("button", name="Show answer")).to_have_count(0)
    assert who.log.count() == 4


def test_shortcuts_are_silent_with_modifiers_in_fields_and_in_dialogs(page: Page, who: User):
    page.goto("/review/")
    page.keyboard.press("Control+1")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    expect(question(page, 1)).to_be_visible()
    expect(answer(page)).to_be_hidden()
    page.goto("/browse/")
    page.get_by_label("Search", exact=True).press_sequentially("u?s1")
    expect(page.get_by_label("Search", exact=True)).to_have_value("u?s1")
    assert not who.states.exists()


def test_r_starts_the_review_from_any_page(page: Page, who: User):
    for path in ("/browse/", "/settings/", "/dashboard/"):
        page.goto(path)
        page.keyboard.press("r")
        expect(question(page, 1)).to_be_visible()


def test_closing_the_list_of_shortcuts_leaves_focus_and_page_where_they_were(page: Page, who: User):
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.goto("/review/")
    page.keyboard.press("Space")
    page.keyboard.press("?")
    expect(shortcuts).to_be_visible()
    page.keyboard.press("Escape")
    expect(answer(page)).to_be_focused()
    page.get_by_label("Card actions").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Card actions")).to_be_focused()
    page.goto("/help/")
    page.keyboard.press("?")
    expect(shortcuts).to_be_visible()
    page.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()
    assert page.evaluate("scrollY") == 0


def test_shortcuts_can_be_turned_off(page: Page, who: User):
    User.objects.filter(pk=who.pk).update(single_keys=False)
    page.goto("/today/")
    expect(page.locator("kbd:visible")).to_have_count(0)  # no hint at what does nothing
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_contain_text("They’re off.")
    page.goto("/review/")
    page.keyboard.press("s")
    page.keyboard.press("b")
    expect(question(page, 1)).to_be_visible()
    page.get_by_role("button", name="Show answer").focus()
    page.keyboard.press("Space")  # a focused button keeps its own key
    expect(answer(page)).to_be_visible()
    page.keyboard.press("3")
    expect(question(page, 1)).to_be_visible()
    assert not who.log.exists()


@pytest.mark.parametrize(("key", "words"), [("b", "is buried until tomorrow"), ("s", "is suspended")])
def test_a_card_set_aside_can_be_put_back_from_the_notice(page: Page, who: User, key: str, words: str):
    page.goto("/review/")
    page.keyboard.press(key)
    expect(question(page, 2)).to_be_focused()
    expect(page.locator("#notice")).to_contain_text(words)
    page.get_by_role("button", name="Put it back").click()
    expect(question(page, 1)).to_be_visible()


@on_the_phone
def test_on_a_phone_grades_are_large_and_nothing_scrolls_sideways(page: Page, who: User):
    page.goto("/review/?side=a")
    for name in ("Again,", "Hard,", "Good,", "Easy,"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= LARGE_TARGET
        assert box["y"] + box["height"] <= LOOKS["phone-light"]["viewport"]["height"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_nothing_is_animated_for_who_asked_for_less_motion(page: Page, who: User):
    page.goto("/review/")
    page.keyboard.press("Space")
    page.keyboard.press("3")
    expect(question(page, 2)).to_be_focused()
    lasting = "document.getAnimations().filter((one) => one.effect.getTiming().duration > 1).length"
    assert page.evaluate(lasting) == 0
