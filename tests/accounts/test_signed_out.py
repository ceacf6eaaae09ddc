import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.models import Session
from tests.accounts.people import account, browser, log_in, send, text_of, title_of, token_of, who_is_at

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/review/"}
PUBLIC = {
    "/",
    "/help/",
    "/about/",
    "/healthz",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
}


@pytest.mark.parametrize("path", ["/today/", "/review/", "/settings/", "/browse/?q=a+b", "/accounts/email/"])
def test_a_page_asks_for_log_in_and_comes_back_after_it(path):
    account()
    client = browser()
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")
    client.get(response["Location"])
    assert log_in(client, next=path)["Location"] == path


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_public_pages_ask_for_nothing(path):
    assert browser().get(path).status_code == 200


def addresses(patterns, before="/"):
    """Yield every address that has no parameter."""
    for pattern in patterns:
        path = f"{before}{pattern.pattern}"
        if hasattr(pattern, "url_patterns"):
            yield from addresses(pattern.url_patterns, path)
        elif not set("<(^").intersection(path):
            yield path


def test_every_page_asks_for_log_in_but_those_that_are_public_on_purpose():
    visitor = browser()
    shown = {path for path in addresses(get_resolver().url_patterns) if visitor.get(path).status_code == 200}
    without_a_form = {"inactive", "confirm-email", "password/reset/done", "password/reset/key/done"}
    assert shown - PUBLIC == {f"/accounts/{page}/" for page in without_a_form}


def test_a_visitor_is_not_told_of_a_session_that_never_was():
    client = browser()
    assert "signed out" not in text_of(client.get(client.get("/review/")["Location"]))


def test_whoever_was_signed_out_is_told_once_and_gets_back():
    user = account()
    client = browser(user)
    Session.objects.all().delete()
    response = client.get("/review/")
    page = client.get(response["Location"])
    assert "You were signed out. Log in and you’ll be back at your card." in text_of(page)
    assert 'name="next" value="/review/"' in text_of(page)
    assert log_in(client, next="/review/")["Location"] == "/review/"
    assert who_is_at(client) == user
    assert "signed out" not in text_of(client.get("/today/"))


def test_whoever_sends_a_form_after_the_cookie_has_gone_is_told_too():
    client = Client()
    response = client.post("/review/1/grade/", headers={"Referer": "http://testserver/review/"})
    assert response["Location"] == "/accounts/login/?next=/review/"
    assert "You were signed out" in text_of(client.get(response["Location"]))


def test_htmx_leaves_the_whole_page_for_the_log_in():
    client = Client()
    client.force_login(account())
    Session.objects.all().delete()
    response = client.post("/review/1/grade/", headers=HTMX)
    assert response.status_code == 204
    assert response["HX-Redirect"] == "/accounts/login/?next=/review/"
    assert "Location" not in response
    assert "You were signed out" in text_of(client.get(response["HX-Redirect"]))


@pytest.mark.parametrize(
    ("headers", "back"),
    [
        ({"Referer": "http://testserver/cards/7/?side=a"}, "/cards/7/%3Fside%3Da"),
        ({"Referer": "http://evil.example/cards/7/"}, "/today/"),
        ({"Referer": "//evil.example/"}, "/today/"),
        ({}, "/today/"),
        ({"HX-Request": "true", "HX-Current-URL": "https://evil.example/review/"}, "/today/"),
        ({"HX-Request": "true", "HX-Current-URL": "http://testserver/browse/"}, "/browse/"),
    ],
)
def test_after_an_expired_form_the_way_back_is_its_page_never_the_forms_address(headers, back):
    response = Client().post("/review/1/grade/", headers=headers)
    where = response.get("HX-Redirect") or response["Location"]
    assert where == f"/accounts/login/?next={back}"


def test_a_form_from_before_a_log_in_is_refused_with_a_way_on():
    client = browser(account())
    response = client.post(
        "/settings/", {"theme": "dark"}, headers={"Referer": "http://testserver/settings/"}
    )
    assert response.status_code == 403
    assert title_of(response).startswith("This page was too old")
    assert 'href="/settings/">Open the page afresh' in text_of(response)
    assert "HX-Refresh" not in response


def test_htmx_fetches_the_page_afresh_after_a_refused_form():
    client = browser(account())
    response = client.post("/review/1/grade/", headers=HTMX)
    assert (response.status_code, response["HX-Refresh"]) == (403, "true")


def test_a_form_of_another_site_is_refused():
    client = browser(account())
    form = token_of(client, "/settings/") | {"theme": "dark"}
    assert client.post("/settings/", form, headers={"Origin": "https://evil.example"}).status_code == 403


def test_health_asks_no_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert browser().get("/healthz").status_code == 200


def test_the_cookies_are_closed_to_scripts():
    account()
    client = browser()
    log_in(client)
    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"
    assert send(client, "/settings/", to="/accounts/logout/").status_code == 302
