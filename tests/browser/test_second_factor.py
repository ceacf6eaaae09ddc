"""Second factors in a real browser: the script, the picture to scan and a virtual device that vouches."""

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import events, second_factor
from accounts.events import Kind
from accounts.models import User
from tests.accounts.people import PASSWORD, account, app_of, code_of
from tests.browser.looks import LOOKS, assert_accessible, either_screen_and_theme, without_javascript
from tests.browser.test_every_page import tidy, visit
from tests.making import at

pytestmark = pytest.mark.django_db(transaction=True)

AGAIN = "/accounts/reauthenticate/?next="
SET_UP = "/accounts/2fa/totp/activate/"


@pytest.fixture
def unlocked(page: Page) -> Page:
    """Give the browser a device that unlocks by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return page


@pytest.fixture
def ada(live_server: LiveServer) -> User:
    return account(confirmed=True)


def log_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page).not_to_have_url(re.compile("/accounts/login/$"))


def show_password(page: Page, before: str) -> None:
    """Give the password again, and go on to a page."""
    page.goto(f"{AGAIN}{before}")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile(rf"^[^?]*{re.escape(before)}$"))


def add_passkey(page: Page) -> None:
    show_password(page, "/accounts/2fa/webauthn/add/")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def leave(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile(r"//[^/]+/$"))


def test_a_passkey_is_added_and_logs_in_by_itself(unlocked: Page, ada: User):
    log_in(unlocked)
    add_passkey(unlocked)
    assert second_factor.has_one(ada)
    leave(unlocked)
    unlocked.goto("/accounts/login/?next=/browse/")
    unlocked.get_by_role("button", name="Log in with a passkey").click()
    expect(unlocked).to_have_url(re.compile(r"^[^?]*/browse/$"))


def test_a_passkey_is_the_second_factor_after_the_password_and_opens_the_admin(unlocked: Page, ada: User):
    User.objects.update(is_staff=True, is_superuser=True)
    log_in(unlocked)
    add_passkey(unlocked)
    unlocked.goto("/admin/")
    unlocked.get_by_role("button", name="Use a passkey").click()
    expect(unlocked).to_have_url(re.compile(r"^[^?]*/admin/$"))
    leave(unlocked)
    log_in(unlocked)
    unlocked.get_by_role("button", name="Use a passkey").click()
    expect(unlocked).to_have_url(re.compile(r"^[^?]*/today/$"))


def test_a_passkey_is_renamed_and_removed(unlocked: Page, ada: User):
    log_in(unlocked)
    add_passkey(unlocked)
    unlocked.goto("/accounts/2fa/webauthn/")
    unlocked.get_by_role("link", name="Rename").click()
    unlocked.get_by_label("Name").fill("My phone")
    unlocked.get_by_role("button", name="Save the name").click()
    expect(unlocked.get_by_role("heading", name="My phone")).to_be_visible()
    unlocked.get_by_role("link", name="Remove").click()
    unlocked.get_by_role("button", name="Remove it").click()
    expect(unlocked.get_by_text("You have none yet.")).to_be_visible()
    assert not second_factor.has_one(ada)


def test_a_device_without_a_passkey_says_so_in_the_page(unlocked: Page, ada: User):
    unlocked.goto("/accounts/login/")
    unlocked.get_by_role("button", name="Log in with a passkey").click()
    expect(unlocked.get_by_role("alert").filter(has_text="cancelled, or took too long")).to_be_visible()
    expect(unlocked.get_by_role("button", name="Log in with a passkey")).to_be_enabled()


def test_the_picture_holds_the_key_that_is_written_beside_it(page: Page, ada: User):
    log_in(page)
    show_password(page, SET_UP)
    expect(page.get_by_role("img", name="QR code for the app")).to_be_visible()
    address = page.get_by_role("link", name="Open it there").get_attribute("href")
    key = page.locator("code").inner_text().replace(" ", "")
    assert address == f"otpauth://totp/ada%40example.org?secret={key}&issuer=Engram"


@without_javascript
def test_the_app_and_recovery_codes_need_no_script(page: Page, ada: User):
    log_in(page)
    show_password(page, SET_UP)
    secret = page.locator("code").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows now").fill(code_of(secret))
    page.get_by_label("Code that the app shows now").press("Enter")
    recovery = page.get_by_role("list", name="Unused codes").get_by_role("listitem").first.inner_text()
    leave(page)
    log_in(page)
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    page.get_by_label("Code").fill(recovery)
    page.get_by_label("Code").press("Enter")
    expect(page).to_have_url(re.compile(r"^[^?]*/today/$"))


@without_javascript
def test_an_account_is_deleted_without_a_script(page: Page, ada: User):
    log_in(page)
    page.goto("/settings/")
    page.get_by_role("link", name="Delete the account").click()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_label("Confirmation").fill("delete")
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_text("Your account is deleted, and everything that was in it.")).to_be_visible()
    assert not User.objects.exists()


PAGES = (
    "/settings/security/",
    "/settings/delete/",
    "/accounts/sessions/",
    "/accounts/2fa/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    f"{AGAIN}/today/",
    "/accounts/2fa/reauthenticate/",
)


def looked_at(page: Page, ada: User) -> None:
    log_in(page)
    for path in ("/accounts/login/", SET_UP):
        if path == SET_UP:
            show_password(page, path)
        tidy(page, visit(page, path))
        assert_accessible(page)
    app_of(ada)
    events.record(
        Kind.PASSWORD_REFUSED, [ada], at(1), events.Source("", "2001:db8:7::", "Chrome on ChromeOS")
    )
    titles = set()
    for path in PAGES:
        tidy(page, visit(page, path))
        assert_accessible(page)
        titles.add(page.title())
    assert len(titles) == len(PAGES), sorted(titles)


@either_screen_and_theme
def test_every_page_of_the_second_factor_and_of_security(page: Page, ada: User):
    looked_at(page, ada)


@either_screen_and_theme
def test_the_page_that_asks_for_the_second_factor(page: Page, ada: User):
    app_of(ada)
    log_in(page)
    expect(page).to_have_url(re.compile(r"^[^?]*/accounts/2fa/authenticate/$"))
    response = page.reload()
    assert response is not None
    tidy(page, response)
    assert_accessible(page)
    page.get_by_label("Code").fill("1")
    page.get_by_label("Code").press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("That isn’t right.")
    assert_accessible(page)


@pytest.mark.parametrize("look", [LOOKS["phone-light"] | {"viewport": {"width": 320, "height": 640}}])
def test_at_400_percent_zoom_none_of_them_scrolls_sideways(page: Page, ada: User):
    looked_at(page, ada)


def test_a_guest_deletes_what_was_done(page: Page, live_server: LiveServer, sign_in: Callable[[User], None]):
    sign_in(User.objects.create_guest("Europe/Berlin"))
    page.goto("/settings/delete/")
    page.get_by_label("Confirmation").fill("delete")
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_text("What you did here as a visitor is deleted.")).to_be_visible()
    assert not EmailAddress.objects.exists()
    assert not User.objects.exists()
