import re
from zoneinfo import ZoneInfo

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts import time_zones
from accounts.models import User
from tests.accounts.people import ADA, account, browser, send, text_of, title_of, token_of, visitor, who_is_at

pytestmark = pytest.mark.django_db

TYPED = {
    "time_zone": "Europe/Stockholm",
    "day_start": "2",
    "new_cards_per_day": "12",
    "reviews_per_day": "150",
    "theme": "dark",
    "single_keys": "on",
}
FIELDS = ["time_zone", "day_start", "new_cards_per_day", "reviews_per_day", "theme", "single_keys"]


def stored(user):
    return User.objects.values_list(*FIELDS).get(pk=user.pk)


def test_settings_are_kept_and_the_page_says_so():
    user = account()
    client = browser(user)
    response = send(client, "/settings/", **TYPED)
    assert (response.status_code, response["Location"]) == (303, "/settings/")
    assert stored(user) == ("Europe/Stockholm", 2, 12, 150, "dark", True)
    html = text_of(client.get("/settings/"))
    assert "Settings saved." in html
    assert 'data-theme="dark"' in html


def test_an_unticked_box_turns_the_shortcuts_off():
    user = account()
    client = browser(user)
    send(client, "/settings/", **{name: value for name, value in TYPED.items() if name != "single_keys"})
    assert stored(user)[-1] is False
    assert 'data-keys="off"' in text_of(client.get("/settings/"))


def test_a_guest_has_settings_too():
    client = visitor()
    send(client, "/settings/", **TYPED)
    guest = who_is_at(client)
    assert guest
    assert guest.is_guest
    assert stored(guest) == ("Europe/Stockholm", 2, 12, 150, "dark", True)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("time_zone", "Mars/Olympus", "Choose a time zone from the list."),
        ("time_zone", "", "Choose a time zone from the list."),
        ("time_zone", "localtime", "Choose a time zone from the list."),
        ("day_start", "7", "Choose an hour from 00:00 to 06:00."),
        ("day_start", "-1", "Choose an hour from 00:00 to 06:00."),
        ("day_start", "x", "Choose an hour from 00:00 to 06:00."),
        ("new_cards_per_day", "201", "New cards a day must be a whole number between 0 and 200."),
        ("new_cards_per_day", "-1", "New cards a day must be a whole number between 0 and 200."),
        ("new_cards_per_day", "ten", "New cards a day must be a whole number between 0 and 200."),
        ("new_cards_per_day", "", "New cards a day must be a whole number between 0 and 200."),
        ("reviews_per_day", "2001", "Reviews a day must be a whole number between 0 and 2000."),
        ("reviews_per_day", "1.5", "Reviews a day must be a whole number between 0 and 2000."),
        ("reviews_per_day", "1e3", "Reviews a day must be a whole number between 0 and 2000."),
        ("theme", "sepia", "Choose one of the three themes."),
        ("theme", "", "Choose one of the three themes."),
    ],
)
def test_a_mistake_is_named_at_its_field_and_nothing_is_kept(field, typed, said):
    user = account()
    before = stored(user)
    response = send(browser(user), "/settings/", **(TYPED | {field: typed}))
    assert response.status_code == 422
    assert title_of(response).startswith("Error: Settings")
    assert text_of(response).count(said) == 2  # in the summary and at the field
    assert f'href="#id_{field}' in text_of(response)
    assert f'id="id_{field}_error"' in text_of(response)
    assert stored(user) == before


@pytest.mark.parametrize(("new", "reviews"), [("0", "0"), ("200", "2000")])
def test_the_limits_themselves_are_allowed(new, reviews):
    user = account()
    send(browser(user), "/settings/", **(TYPED | {"new_cards_per_day": new, "reviews_per_day": reviews}))
    assert stored(user)[2:4] == (int(new), int(reviews))


def test_what_was_typed_stays_in_the_form_and_shows_nowhere_else():
    response = send(browser(account()), "/settings/", **(TYPED | {"new_cards_per_day": "five hundred"}))
    html = text_of(response)
    assert 'value="five hundred"' in html
    assert 'value="150"' in html
    assert 'value="Europe/Stockholm" selected' in html
    assert "data-theme" not in html  # dark was asked for, but not kept


def test_saving_settings_writes_nothing_else():
    user = account()
    client = browser(user)
    token = token_of(client, "/settings/")
    User.objects.filter(pk=user.pk).update(email="new@example.org")
    client.post("/settings/", token | TYPED | {"email": "x@example.org", "is_staff": "on"})
    assert User.objects.values_list("email", "is_staff").get(pk=user.pk) == ("new@example.org", False)


def test_the_page_shows_the_time_in_the_learners_zone():
    for zone in ("Asia/Kathmandu", "UTC", "America/St_Johns"):
        before = timezone.now().astimezone(ZoneInfo(zone))
        html = text_of(browser(account(time_zone=zone)).get("/settings/"))
        after = timezone.now().astimezone(ZoneInfo(zone))
        assert any(f"It’s {when:%H:%M} there now." in html for when in (before, after))
        assert ("We start with UTC" in html) == (zone == "UTC")


def test_every_zone_on_the_list_is_one_we_can_reckon_with():
    listed = [value for value, place in time_zones.choices("UTC") if isinstance(place, str)]
    listed += [
        value for _, group in time_zones.choices("UTC") if isinstance(group, list) for value, _ in group
    ]
    assert len(listed) == len(set(listed)) > 400
    assert {"UTC", "Europe/Stockholm", "America/Argentina/Buenos_Aires", "Asia/Kolkata"} <= set(listed)
    for name in listed:
        ZoneInfo(name)


def test_an_unusual_zone_from_the_browser_stays_on_the_list():
    user = account(time_zone="Etc/GMT+5")
    client = browser(user)
    assert 'value="Etc/GMT+5" selected' in text_of(client.get("/settings/"))
    assert send(client, "/settings/", **(TYPED | {"time_zone": "Etc/GMT+5"})).status_code == 303
    assert stored(user)[0] == "Etc/GMT+5"


def test_the_state_of_the_address_is_shown():
    user = account()
    client = browser(user)
    html = text_of(client.get("/settings/"))
    assert ADA in html
    assert "Send the confirmation mail again" in html
    EmailAddress.objects.update(verified=True)
    html = text_of(client.get("/settings/"))
    assert "Confirmed" in html
    assert "Send the confirmation mail again" not in html


def test_a_learner_sees_only_their_own_settings():
    account("eve@example.org", new_cards_per_day=123)
    assert 'value="123"' not in text_of(browser(account()).get("/settings/"))


def test_settings_ask_the_database_seven_times_at_most(django_assert_max_num_queries):
    client = browser(account())
    with django_assert_max_num_queries(7):
        client.get("/settings/")


def test_the_fields_say_what_describes_them():
    html = text_of(send(browser(account()), "/settings/", **(TYPED | {"new_cards_per_day": "x"})))
    named = set(re.findall(r'id="([^"]+)"', html))
    for described in re.findall(r'aria-describedby="([^"]+)"', html):
        assert set(described.split()) <= named
    for target in re.findall(r'href="#(id_[^"]+)"', html):
        assert target in named
