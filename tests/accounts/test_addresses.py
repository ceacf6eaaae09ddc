import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.models import User
from tests.accounts.people import (
    ADA,
    EVE,
    PASSWORD,
    account,
    browser,
    link_in,
    log_in,
    send,
    sign_up,
    text_of,
    title_of,
    token_of,
    who_is_at,
)

pytestmark = pytest.mark.django_db


def addresses(user):
    """Return the account's addresses with their state, and the one it logs in with."""
    rows = EmailAddress.objects.filter(user=user).order_by("pk").values_list("email", "verified", "primary")
    return list(rows), User.objects.get(pk=user.pk).email


def change_address(client, new, password=PASSWORD):
    """Ask for a new address, give the password when asked, and return the page one ends on."""
    asked = send(client, "/accounts/email/", email=new, action_add="")
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    return send(client, asked["Location"], password=password)


def reset_link(email=ADA):
    send(browser(), "/accounts/password/reset/", email=email)
    return link_in(mail.outbox[-1])


def test_a_new_address_is_unconfirmed_until_its_link_is_opened_and_the_button_pressed():
    client = browser()
    sign_up(client)
    user = who_is_at(client)
    assert "Not confirmed yet" in text_of(client.get("/settings/"))
    link = link_in(mail.outbox[0])
    client.get(link)
    assert addresses(user) == ([(ADA, False, True)], ADA)
    assert send(client, link)["Location"] == "/today/"
    assert addresses(user) == ([(ADA, True, True)], ADA)
    assert "Not confirmed yet" not in text_of(client.get("/settings/"))


def test_a_confirmation_link_works_in_another_browser_and_logs_nobody_in():
    sign_up(browser())
    other = browser()
    assert send(other, link_in(mail.outbox[0]))["Location"] == "/accounts/login/"
    assert who_is_at(other) is None
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize("link", ["/accounts/confirm-email/MQ:1abcde:forged/", "/accounts/confirm-email/x/"])
def test_a_forged_confirmation_link_says_that_it_does_not_work(link):
    response = browser().get(link)
    assert title_of(response).startswith("This link no longer works")


def test_a_confirmation_link_works_once():
    sign_up(browser())
    link = link_in(mail.outbox[0])
    send(browser(), link)
    assert title_of(browser().get(link)).startswith("This link no longer works")


def test_of_two_accounts_with_one_address_the_first_to_confirm_owns_it():
    sign_up(browser(), password="the first password")
    first = User.objects.get()
    second = account(password="the second password")
    link = link_in(mail.outbox[0])
    EmailAddress.objects.filter(user=second).update(verified=True)
    assert title_of(browser().get(link)).startswith("This link no longer works")
    assert browser().post(link).status_code == 403
    assert addresses(first) == ([(ADA, False, True)], ADA)


def test_a_confirmation_that_comes_second_is_refused_and_said_so():
    sign_up(browser(), password="the first password")
    client = browser()
    link = link_in(mail.outbox[0])
    token = token_of(client, link)
    account(password="the second password", confirmed=True)
    client.post(link, token)
    assert "belongs to another account" in text_of(client.get("/accounts/login/"))
    assert EmailAddress.objects.filter(verified=True).count() == 1


def test_the_confirmation_mail_can_be_sent_again_but_not_at_once():
    client = browser(account())
    for _ in range(3):
        response = send(client, "/settings/", to="/settings/confirm-again/", email=ADA)
        assert response["Location"] == "/settings/"
    assert [message.subject for message in mail.outbox] == ["Confirm your address for Engram"]
    assert "on its way" in text_of(client.get("/settings/"))


@pytest.mark.parametrize("email", [EVE, "nobody@example.org", "", "nonsense"])
def test_nobody_sends_confirmation_mails_to_others(email):
    account(EVE)
    send(browser(account()), "/settings/", to="/settings/confirm-again/", email=email)
    assert not mail.outbox


def test_a_changed_address_takes_over_once_it_is_confirmed():
    user = account(confirmed=True)
    client = browser(user)
    change_address(client, EVE)
    assert addresses(user) == ([(ADA, True, True), (EVE, False, False)], ADA)
    assert "waits for its link" in text_of(client.get("/accounts/email/"))
    assert log_in(browser(), email=EVE).status_code == 200
    send(client, link_in(mail.outbox[0]))
    assert addresses(user) == ([(EVE, True, True)], EVE)
    assert log_in(browser(), email=EVE).status_code == 302
    assert log_in(browser(), email=ADA).status_code == 200


def test_the_old_address_is_told_of_the_change():
    client = browser(account(confirmed=True))
    change_address(client, EVE)
    send(client, link_in(mail.outbox[0]))
    told = mail.outbox[-1]
    assert told.to == [ADA]
    assert f"from {ADA} to {EVE}" in told.body


def test_an_unconfirmed_address_can_be_changed_too():
    """The usual case: a typing error at sign-up, so that the first mail never came."""
    user = account("ada@example.con")
    client = browser(user)
    change_address(client, ADA)
    assert addresses(user) == ([("ada@example.con", False, True), (ADA, False, False)], "ada@example.con")
    send(client, link_in(mail.outbox[0]))
    assert addresses(user) == ([(ADA, True, True)], ADA)


def test_confirming_the_old_address_leaves_the_new_one_waiting():
    client = browser()
    sign_up(client)
    user = who_is_at(client)
    change_address(client, EVE)
    send(client, link_in(mail.outbox[0]))
    assert addresses(user) == ([(ADA, True, True), (EVE, False, False)], ADA)
    assert [message.to for message in mail.outbox] == [[ADA], [EVE]]


def test_a_second_change_takes_the_place_of_the_first():
    user = account(confirmed=True)
    client = browser(user)
    change_address(client, "typo@example.org")
    send(client, "/accounts/email/", email=EVE, action_add="")
    assert addresses(user)[0] == [(ADA, True, True), (EVE, False, False)]


def test_a_waiting_address_can_be_dropped():
    user = account(confirmed=True)
    client = browser(user)
    change_address(client, EVE)
    send(client, "/accounts/email/", email=EVE, action_remove="")
    assert addresses(user) == ([(ADA, True, True)], ADA)


def test_the_only_address_cannot_be_dropped():
    user = account()
    client = browser(user)
    asked = send(client, "/accounts/email/", email=ADA, action_remove="")
    send(client, asked["Location"], password=PASSWORD)
    assert addresses(user) == ([(ADA, False, True)], ADA)


def test_a_change_of_address_asks_for_the_password():
    user = account(confirmed=True)
    response = change_address(browser(user), EVE, password="wrong")
    assert "This isn’t your password." in text_of(response)
    assert addresses(user) == ([(ADA, True, True)], ADA)
    assert not mail.outbox


def test_changing_to_a_taken_address_looks_like_any_change():
    account(EVE, confirmed=True)
    seen = []
    for number, new in enumerate([EVE, "fresh@example.org"]):
        client = browser(account(f"ada{number}@example.org", confirmed=True))
        answer = change_address(client, new)
        page = text_of(client.get("/accounts/email/")).replace(new, "NEW").replace(f"ada{number}@", "ada@")
        seen.append((answer.status_code, answer["Location"], page))
    assert seen[0] == seen[1]
    assert [message.to for message in mail.outbox] == [[EVE], ["fresh@example.org"]]
    assert mail.outbox[0].subject == "You already have an Engram account"


def test_nobody_takes_a_confirmed_address_over():
    owner = account(EVE, confirmed=True)
    client = browser(account(confirmed=True))
    change_address(client, EVE)
    send(client, "/accounts/email/", email=EVE, action_primary="")
    assert addresses(owner) == ([(EVE, True, True)], EVE)
    assert User.objects.filter(email=EVE).count() == 1


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once():
    user = account(confirmed=True)
    link = reset_link()
    client = browser()
    page = client.get(link)["Location"]
    assert link not in page
    response = send(client, page, password1="a quite new password")
    assert response["Location"] == "/accounts/password/reset/key/done/"
    assert who_is_at(client) is None
    assert User.objects.get(pk=user.pk).check_password("a quite new password")
    assert "no longer works" in text_of(browser().get(link))


def test_a_new_password_logs_every_device_out():
    user = account(confirmed=True)
    device = browser(user)
    client = browser()
    send(client, client.get(reset_link())["Location"], password1="a quite new password")
    assert device.get("/today/").status_code == 302


def test_asking_for_a_link_looks_the_same_whether_or_not_the_address_is_known():
    account(confirmed=True)
    account(EVE)
    seen = set()
    for email in (ADA, EVE, "nobody@example.org"):
        client = browser()
        answer = send(client, "/accounts/password/reset/", email=email)
        seen.add((answer.status_code, answer["Location"], text_of(client.get(answer["Location"]))))
    assert len(seen) == 1
    assert [message.to for message in mail.outbox] == [[ADA], [EVE], ["nobody@example.org"]]


def test_only_the_owner_of_an_address_gets_a_link_for_it():
    account(password="the second password")
    owner = account(confirmed=True, password="the owner's password")
    client = browser()
    send(client, client.get(reset_link())["Location"], password1="a quite new password")
    assert len(mail.outbox) == 2  # the link, and that the password was changed
    assert User.objects.get(pk=owner.pk).check_password("a quite new password")


def test_the_password_page_changes_the_password_and_keeps_this_device_logged_in():
    user = account(confirmed=True)
    client, other = browser(user), browser(user)
    response = send(
        client, "/accounts/password/change/", oldpassword=PASSWORD, password1="a quite new password"
    )
    assert response["Location"] == "/settings/"
    assert "Password changed." in text_of(client.get("/settings/"))
    assert other.get("/today/").status_code == 302
    assert log_in(browser(), password="a quite new password").status_code == 302


def test_the_password_page_needs_the_old_password():
    user = account()
    response = send(
        browser(user), "/accounts/password/change/", oldpassword="wrong", password1="a quite new one"
    )
    assert "This isn’t your current password." in text_of(response)
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
