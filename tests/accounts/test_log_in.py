import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.people import (
    ADA,
    EVE,
    PASSWORD,
    account,
    browser,
    log_in,
    proven,
    send,
    sign_up,
    text_of,
    title_of,
    visitor,
    who_is_at,
)

pytestmark = pytest.mark.django_db

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "\\\\evil.example/",
    "/\\evil.example/",
    "http:///evil.example",
]
ELSEWHERE += [
    "javascript:alert(1)",
    "https:evil.example",
    "\t//evil.example",
    "https://localhost@evil.example/",
]


def test_the_right_password_opens_the_account():
    user = account()
    client = browser()
    assert log_in(client)["Location"] == "/today/"
    assert who_is_at(client) == user


def test_the_case_of_the_address_does_not_matter():
    account()
    assert log_in(browser(), email="ADA@Example.org").status_code == 302


def test_password_managers_find_the_fields():
    html = text_of(browser().get("/accounts/login/"))
    assert 'autocomplete="username"' in html
    assert 'autocomplete="current-password"' in html
    assert 'autocomplete="new-password"' in text_of(browser().get("/accounts/signup/"))


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer():
    account(confirmed=True)
    account(EVE)
    answers = [log_in(browser(), email=email, password="wrong") for email in (ADA, EVE, "nobody@example.org")]
    pages = {
        (answer.status_code, text_of(answer).replace(email, "ADDRESS"), str(sorted(answer.cookies)))
        for answer, email in zip(answers, (ADA, EVE, "nobody@example.org"), strict=True)
    }
    assert len(pages) == 1
    assert "The address or the password isn’t right." in text_of(answers[0])
    assert title_of(answers[0]).startswith("Error: ")


def test_a_closed_account_looks_like_a_wrong_password():
    account(is_active=False)
    assert "The address or the password isn’t right." in text_of(log_in(browser()))


def test_of_two_unconfirmed_accounts_with_one_address_the_password_decides():
    first, second = account(password="the first password"), account(password="the second password")
    for user, password in ((first, "the first password"), (second, "the second password")):
        client = browser()
        log_in(client, password=password)
        assert who_is_at(client) == user


def test_of_two_accounts_with_one_address_and_one_password_the_owner_of_the_address_is_meant():
    account()
    owner = account(confirmed=True)
    client = browser()
    log_in(client)
    assert who_is_at(client) == owner


def test_a_guest_has_no_password_and_no_address_to_log_in_with():
    visitor()
    for typed in ({"email": ""}, {"email": "", "password": ""}, {"email": "@"}):
        assert log_in(browser(), **typed).status_code == 200


def test_log_in_leads_back_to_where_one_was():
    account()
    assert log_in(browser(), next="/browse/?q=lstm")["Location"] == "/browse/?q=lstm"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_form_sends_anybody_to_another_site(elsewhere):
    account()
    assert log_in(browser(), next=elsewhere)["Location"] == "/today/"
    assert sign_up(browser(), email=EVE, next=elsewhere)["Location"] == "/today/"
    assert send(browser(), "/", to="/try/", next=elsewhere)["Location"] == "/review/"
    assert send(browser(account()), "/accounts/logout/", next=elsewhere)["Location"] == "/"
    assert (
        send(browser(account()), "/settings/", to="/settings/confirm-again/", next=elsewhere)["Location"]
        == "/settings/"
    )


@pytest.mark.parametrize("email", [ADA, "nobody@example.org"])
def test_five_wrong_passwords_close_an_address_for_a_while_whether_or_not_it_exists(email):
    account()
    pages = [text_of(log_in(browser(), email=email, password="wrong")) for _ in range(6)]
    assert "isn’t right" in pages[4]
    assert "Too many failed attempts" in pages[5]
    assert "Too many failed attempts" in text_of(log_in(browser(), email=email))


def test_a_forged_host_header_buys_no_more_guesses(settings):
    settings.ALLOWED_HOSTS = ["*"]
    account()
    for number in range(5):
        guesser = Client(headers={"Host": f"host{number}.example:{8000 + number}"})
        guesser.post("/accounts/login/", {"login": ADA, "password": "wrong"})
    assert "Too many failed attempts" in text_of(
        Client().post("/accounts/login/", {"login": ADA, "password": "wrong"})
    )


def test_a_forged_forwarded_address_buys_no_more_requests(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    statuses = [
        Client(headers={"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.7"})
        .post("/accounts/login/", {})
        .status_code
        for number in range(31)
    ]
    assert statuses == [200] * 30 + [429]


def test_too_many_log_ins_get_a_page_that_says_so():
    statuses = [Client().post("/accounts/login/", {}).status_code for _ in range(30)]
    refused = Client().post("/accounts/login/", {})
    assert statuses == [200] * 30
    assert refused.status_code == 429
    assert "Too many requests" in title_of(refused)


def test_logging_out_leads_to_the_landing_page_and_says_so():
    client = browser(account())
    response = send(client, "/settings/", to="/accounts/logout/")
    assert response["Location"] == "/"
    assert who_is_at(client) is None
    assert "You’re logged out." in text_of(client.get("/"))


def test_a_get_never_logs_out():
    client = browser(account())
    client.get("/accounts/logout/")
    assert who_is_at(client)


def test_the_session_key_changes_at_log_in():
    account()
    client = browser()
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = planted = str(session.session_key)
    log_in(client)
    assert client.cookies["sessionid"].value != planted


def test_the_admin_has_no_log_in_of_its_own():
    assert browser().get("/admin/")["Location"].startswith("/accounts/login/?next=/admin/")
    assert browser().get("/admin/login/")["Location"].startswith("/accounts/login/")
    assert browser(account()).get("/admin/login/").status_code == 403


def test_an_administrator_with_a_second_factor_gets_in_and_sees_the_learners():
    chief = User.objects.create_superuser("chief@example.org", PASSWORD)
    client = proven(browser(chief), chief)
    visitor()
    assert client.get("/admin/accounts/user/").status_code == 200
    assert client.get(f"/admin/accounts/user/{chief.pk}/change/").status_code == 200
