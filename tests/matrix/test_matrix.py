"""Who gets what at every address, by every method; nothing is there that the table doesn't name."""

import gc
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import transaction

from flashcards.interview_forms import _name
from flashcards.models import Topic
from tests.matrix import rows
from tests.matrix import world as worlds
from tests.matrix.entries import ENTRIES, Entry
from tests.matrix.world import MARK, MISSING, ROLES, World

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
COLUMN = {"GET": 0, "HEAD": 1, "POST": 2, "PUT": 3, "PATCH": 3, "DELETE": 3, "OPTIONS": 4}
SAFE = ("GET", "HEAD", "OPTIONS")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SELDOM = ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
NEW_SECRET = ("mfa_activate_totp", "mfa_add_webauthn")  # on each visit
OWN = {
    "interview": "interview",
    "interview-delete": "interview",
    "end-session": "session",
    "mfa_edit_webauthn": "key",
    "mfa_remove_webauthn": "key",
}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Yield the one world of all tests here; nothing of it stays."""
    stopped = time_machine.travel(worlds.NOW, tick=False)
    with django_db_blocker.unblock(), stopped, worlds.every_address(), transaction.atomic():
        made = worlds.build()
        # Thousands of requests leave rubbish: it is found sooner without what stays anyway.
        gc.collect()
        gc.freeze()
        yield made
        gc.unfreeze()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def routes(world: World) -> dict[str, str]:
    return dict(worlds.routes())


def ask(world: World, role: str, method: str, url: str, *, checks: bool = False, **more: Any) -> Any:
    client = worlds.client_of(world, role, checks=checks)
    if "data" in more:
        return getattr(client, method.lower())(url, **more)
    return client.generic(method, url, **more)


def told(response: Any) -> str:
    """Return the answer as the table has it."""
    to = response.headers.get("HX-Redirect") or response.headers.get("Location", "")
    is_login = to.startswith("/accounts/login/?next=") and response.resolver_match is not None
    return f"login {response.status_code}" if is_login else str(response.status_code)


def fits(answer: str, wanted: str, method: str, *, htmx: bool) -> bool:
    if wanted == "login":
        return answer == ("login 204" if htmx else "login 302")
    if wanted.startswith("*"):  # Django's form views take PUT as POST
        put, other = wanted[1:].split("/")
        wanted = put if method == "PUT" else other
    return answer.rpartition(" ")[2] == wanted


def visits(entry: Entry) -> Iterator[tuple[str, str, bool]]:
    """Yield role, method and whether htmx asks: each of them plain, and for htmx all but what takes long.

    No view of ours looks at htmx but for GET and POST, so of the rest each role has one by htmx, in turn.
    """
    for turn, role in enumerate(ROLES):
        if entry.only == "all roles" or role != "owner":
            yield from ((role, method, False) for method in METHODS)
            in_turn = METHODS if role == "anonymous" else ("GET", "POST", SELDOM[turn % len(SELDOM)])
            yield from ((role, method, True) for method in in_turn)


def test_every_address_has_an_entry_and_every_entry_an_address(world):
    names = [name for name, _ in worlds.routes()]
    assert sorted(names) == sorted(set(names))
    assert set(names) - set(ENTRIES) == set(), "say in tests/matrix/entries.py who may do what there"
    assert set(ENTRIES) - set(names) == set()


@pytest.mark.parametrize("name", ENTRIES)
def test_everybody_gets_what_the_table_says_and_reading_changes_nothing(name, world, routes):
    url, entry = worlds.address(name, routes[name], world), ENTRIES[name]
    wrong = list[tuple[Any, ...]]()
    leads = dict[tuple[str, bool], str]()
    for role, method, htmx in visits(entry):
        with rows.unchanged_after() as written:
            response = ask(world, role, method, url, headers=HTMX if htmx else {})
            answer = told(response)
            if response.streaming:
                b"".join(response)  # what is written late is seen too
            if method in SAFE and written and not entry.get_writes and rows.digest() != world.digest:
                wrong.append((role, method, "changes", sorted(set(written))))
        wanted = entry.answers(role, htmx=htmx)[COLUMN[method]]
        location = response.headers.get("Location", "")
        if method in ("GET", "HEAD") and leads.setdefault((role, htmx), location) != location:
            wrong.append((role, method, "leads to", location, "but by GET to", leads[role, htmx]))
        if not fits(answer, wanted, method, htmx=htmx):
            wrong.append((role, method, "htmx" if htmx else "plain", answer, "instead of", wanted))
    assert wrong == []


@pytest.mark.parametrize("name", ENTRIES)
def test_no_form_is_taken_without_a_token_or_with_a_foreign_one(name, world, routes):
    url, wrong = worlds.address(name, routes[name], world), []
    for role in ("anonymous", "owner", "superuser"):
        for method, token in [*((method, "") for method in UNSAFE), ("POST", "a" * 64)]:
            with rows.unchanged_after() as written:
                client = worlds.client_of(world, role, checks=True)
                if token:
                    client.cookies["csrftoken"] = "b" * 32
                status = client.generic(
                    method, url, headers={"X-CSRFToken": token} if token else {}
                ).status_code
            if status != 403 or written:
                wrong.append((role, method, status, written))
    if ENTRIES[name].no_csrf:
        assert wrong, "the reason for an exception is no reason any more"
    else:
        assert wrong == []


def test_head_is_answered_like_get_but_by_the_webhook_of_the_library():
    differ = {
        name
        for name, entry in ENTRIES.items()
        if any(entry.answers(role)[0] != entry.answers(role)[1] for role in ROLES)
    }
    assert differ == {"mail-webhook"}


def test_exceptions_from_the_token_are_these_alone():
    without = {name for name, entry in ENTRIES.items() if entry.no_csrf}
    assert without == {"unsubscribe", "snooze", "mail-webhook", "metrics", "reminder-status", "operations"}


def plain(response: Any, asked: str) -> tuple[int, str, dict[str, str]]:
    """Return all that a visitor sees, but for what is new in each answer and the id or address asked for."""
    text = (b"".join(response) if response.streaming else response.content).decode()
    text = re.sub(r'value="\w{64}"', 'value="token"', text)  # against forged forms
    text = re.sub(r'value="[0-9a-f]{8}-[0-9a-f-]{27}"', 'value="submission"', text)
    headers = {name: re.sub(asked, "asked", value) for name, value in response.headers.items()}
    unlike = {"X-Request-ID": "", "Content-Length": ""}
    return response.status_code, re.sub(asked, "asked", text), headers | unlike


@pytest.mark.parametrize("name", OWN)
def test_what_is_somebody_elses_looks_like_what_is_not_there(name, world, routes):
    theirs = worlds.address(name, routes[name], world)
    missing = worlds.address(name, routes[name], world, pk=str(MISSING))
    in_address = "/{0}/|%2F{0}%2F"
    for role in (*ROLES, worlds.RECENT):
        for method in METHODS:
            with rows.unchanged_after():
                one = plain(ask(world, role, method, theirs), in_address.format(world.args[OWN[name]]))
            with rows.unchanged_after():
                other = plain(ask(world, role, method, missing), in_address.format(MISSING))
            assert one == other or role == "owner", (role, method)


@pytest.mark.parametrize("name", [name for name in ENTRIES if not name.startswith("admin")])
def test_the_ids_of_somebody_else_are_answered_like_ids_that_nothing_has(name, world, routes):
    url = worlds.address(name, routes[name], world)
    form = filled(ENTRIES[name], world)
    theirs, missing = form | worlds.all_ids(world), form | worlds.no_ids(world)
    address = world.people["owner"].email
    for method in ("GET", "POST"):
        with rows.unchanged_after():
            one = plain(ask(world, worlds.RECENT, method, url, data=theirs | {"email": address}), address)
        with rows.unchanged_after():
            other = plain(
                ask(world, worlds.RECENT, method, url, data=missing | {"email": "x@y.zz"}), "x@y.zz"
            )
        assert one == other or (name in NEW_SECRET and one[0] == other[0]), method


def filled(entry: Entry, world: World) -> dict[str, str]:
    known = {"LOG": str(world.log.pk), "NOTE": f"{world.note.pk}.{world.note.version}"}
    weights = {
        _name(topic): "1" for topic in Topic.objects.all()
    }  # for interviews; other forms don't read them
    return weights | {name: known.get(value, value) for name, value in (entry.form or {}).items()}


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.form is not None])
def test_the_form_of_the_table_does_something_for_its_owner(name, world, routes):
    url = worlds.address(name, routes[name], world)
    role = "anonymous" if name == "try" else "owner"
    with rows.unchanged_after() as written:
        response = ask(world, role, "POST", url, data=filled(ENTRIES[name], world))
    assert response.status_code < 400
    assert written


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if not entry.no_csrf])
def test_the_ids_of_somebody_else_in_query_or_form_neither_show_nor_change_anything(name, world, routes):
    if name == "account_confirm_email":
        return  # the key in the address is the owner's own consent
    instead = {"pk": world.args["interview"]}
    url, owner = (
        worlds.address(name, routes[name], world, **(instead if name == "interview" else {})),
        world.people["owner"],
    )
    before, ids = rows.digest_of(owner), worlds.all_ids(world)
    sent = ids | filled(ENTRIES[name], world) | {"email": owner.email, "action_remove": "1"}
    for role in ("guest", "other", "staff"):
        for method, more in (("GET", {"data": ids}), ("POST", {"data": sent, "query_params": ids})):
            with rows.unchanged_after() as written:
                response = ask(world, role, method, url, **more)
                assert not written or rows.digest_of(owner) == before, (role, method)
            seen = b"".join(response) if response.streaming else response.content
            seen = seen.replace(owner.email.encode(), b"") if method == "POST" else seen
            assert MARK.encode() not in seen, (role, method)


def test_all_of_this_left_the_world_as_it_was(world):
    assert rows.digest() == world.digest
