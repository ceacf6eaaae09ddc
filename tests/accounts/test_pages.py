"""Every account page: its title, its form, and nothing that the content security policy would block."""

import re

import pytest
from django.core import mail

from tests.accounts.people import account, browser, link_in, send, sign_up, text_of, title_of, visitor

pytestmark = pytest.mark.django_db


def pages():
    """Return every page of this app by name, as somebody sees it who may."""
    learner, guest, anybody = browser(account(confirmed=True)), visitor(), browser()
    sign_up(browser(), email="new@example.org")
    confirm = link_in(mail.outbox[0])
    send(anybody, "/accounts/password/reset/", email="ada@example.org")
    choose = anybody.get(link_in(mail.outbox[-1]))["Location"]
    shown = {path: anybody.get(path) for path in [confirm, choose, "/accounts/password/reset/key/1-x-y/"]}
    for path in ["login", "signup", "password/reset", "password/reset/done", "password/reset/key/done"]:
        shown[path] = anybody.get(f"/accounts/{path}/")
    for path in ["password/change", "email", "logout", "reauthenticate", "confirm-email", "inactive"]:
        shown[path] = learner.get(f"/accounts/{path}/")
    shown["leave"] = guest.get("/accounts/logout/")
    shown["settings"] = learner.get("/settings/")
    shown["csrf"] = learner.post("/settings/")
    return shown


def test_every_page_has_a_title_of_its_own_one_heading_and_a_main():
    shown = pages()
    titles = [title_of(page) for page in shown.values()]
    assert sorted(set(titles)) == sorted(titles)
    for page in shown.values():
        html = text_of(page)
        assert html.count("<h1") == 1
        assert html.count("<main") == 1
        assert "– Engram</title>" in html


def test_no_page_holds_what_the_content_security_policy_blocks():
    for page in pages().values():
        assert not re.search(r'\sstyle="|\son\w+="|<style|<script(?![^>]* src=)', text_of(page))


def test_no_page_shows_allauths_words_or_a_placeholder():
    for page in pages().values():
        assert not re.search(
            r"placeholder=|Sign In|Sign Up|signed in|Menu:|current_site|example\.com", text_of(page)
        )


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/accounts/login/", "login"),
        ("/accounts/signup/", "email"),
        ("/accounts/password/reset/", "email"),
        ("/accounts/password/change/", "oldpassword"),
        ("/accounts/email/", "email"),
        ("/accounts/reauthenticate/", "password"),
    ],
)
def test_an_empty_form_comes_back_with_a_summary_that_takes_focus_and_links_to_the_field(path, field):
    client = browser() if "log" in path or "sign" in path or "reset" in path else browser(account())
    response = send(client, path, action_add="")
    html = text_of(response)
    assert title_of(response).startswith("Error: ")
    assert 'class="errors" role="alert" tabindex="-1" autofocus' in html
    assert "is missing." in html
    assert f'href="#id_{field}"' in html
    order = [html.index(part) for part in (f'for="id_{field}"', f'id="id_{field}_error"', f'name="{field}"')]
    assert order == sorted(order)


def test_a_password_can_be_looked_at_once_the_script_is_there():
    html = text_of(browser().get("/accounts/login/"))
    assert 'class="btn js" type="button" data-shows="id_password"' in html


def test_an_unlisted_page_of_allauths_wears_our_clothes():
    assert title_of(browser().get("/accounts/inactive/")) == "Account closed – Engram"
