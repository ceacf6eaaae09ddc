"""A learner's note: rendered when it is saved, and never lost to a second tab."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import User
from flashcards import notes
from flashcards.models import Card, Note, ReviewState
from flashcards.notes import Conflict
from flashcards.rendering import TextError
from tests.making import at, card, deck, learner
from tests.visiting import client_of, html_of, statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(time_machine) -> User:
    time_machine.move_to(at(1), tick=False)
    return learner()


@pytest.fixture
def one(who) -> Card:
    return card()


def note(who: User, what: Card) -> Note | None:
    return notes.current(who, what.pk)


def post(who: User, what: Card, text: str, seen: str = "", **more: str):
    return client_of(who).post(reverse("note", args=[what.pk]), {"text": text, "seen": seen, **more})


def test_a_note_is_stored_with_its_html(who, one):
    notes.save(who, one.pk, "Say **recall**", "")
    stored = note(who, one)
    assert stored is not None
    assert (stored.text, stored.html) == ("Say **recall**", "<p>Say <strong>recall</strong></p>")


def test_markup_in_a_note_stays_text(who, one):
    notes.save(who, one.pk, "<script>alert(1)</script> [x](javascript:alert(1))", "")
    html = html_of(client_of(who).get(f"/cards/{one.pk}/"))
    assert "<script>alert" not in html
    assert 'href="javascript' not in html


def test_saving_the_edition_that_was_seen_replaces_it(who, one):
    notes.save(who, one.pk, "first", "")
    notes.save(who, one.pk, "second", notes.edition(note(who, one)))
    assert [(row.text, row.version) for row in Note.objects.all()] == [("second", 2)]


def test_an_empty_text_deletes_the_note(who, one):
    notes.save(who, one.pk, "first", "")
    notes.save(who, one.pk, " \n ", notes.edition(note(who, one)))
    assert note(who, one) is None


def test_an_older_edition_is_refused_and_the_newer_text_stays(who, one):
    notes.save(who, one.pk, "first", "")
    seen = notes.edition(note(who, one))
    notes.save(who, one.pk, "second", seen)
    for text in ("third", ""):
        with pytest.raises(Conflict) as conflict:
            notes.save(who, one.pk, text, seen)
        assert conflict.value.current == note(who, one)
    with pytest.raises(Conflict):
        notes.save(who, one.pk, "written where there was none", "")
    stored = note(who, one)
    assert stored is not None
    assert stored.text == "second"


def test_a_deleted_and_rewritten_note_is_no_edition_seen_before(who, one):
    notes.save(who, one.pk, "first", "")
    seen = notes.edition(note(who, one))
    notes.save(who, one.pk, "", seen)
    with pytest.raises(Conflict) as conflict:
        notes.save(who, one.pk, "second", seen)
    assert conflict.value.current is None
    notes.save(who, one.pk, "rewritten", "")
    with pytest.raises(Conflict):
        notes.save(who, one.pk, "second", seen)


def test_the_same_text_twice_is_no_conflict(who, one):
    for _ in range(2):
        notes.save(who, one.pk, "first", "")
    seen = notes.edition(note(who, one))
    for text in ("second", "second", "", ""):
        notes.save(who, one.pk, text, seen if text else notes.edition(note(who, one)) or seen)
    assert note(who, one) is None


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d a pair", "$\\frac{$", "![](x.png)", "x" * 60_000])
def test_a_text_that_cant_be_shown_is_refused_and_nothing_stored(who, one, text):
    with pytest.raises(TextError):
        notes.save(who, one.pk, text, "")
    assert note(who, one) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_first_notes_at_once_one_is_stored_and_the_others_are_told():
    who, one = learner(), card()
    start = threading.Barrier(8)

    def write(number: int) -> bool:
        try:
            start.wait()
            notes.save(who, one.pk, f"text {number}", "")
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 1
    assert Note.objects.count() == 1


def test_the_page_shows_the_note_and_which_edition_it_is(who, one):
    notes.save(who, one.pk, "a < b", "")
    html = html_of(client_of(who).get(f"/cards/{one.pk}/note/?next=/review/"))
    assert "a &lt; b</textarea>" in html
    assert f'name="seen" value="{notes.edition(note(who, one))}"' in html
    assert 'name="next" value="/review/"' in html


def test_saving_leads_back_to_where_one_came_from_but_never_off_the_site(who, one):
    for wanted, lead in [("/review/", "/review/"), ("//evil.example", f"/cards/{one.pk}/")]:
        response = post(who, one, "text", notes.edition(note(who, one)), next=wanted)
        assert (response.status_code, response["Location"]) == (303, lead)


def test_windows_line_ends_become_single_ones(who, one):
    post(who, one, "one\r\ntwo")
    stored = note(who, one)
    assert stored is not None
    assert stored.text == "one\ntwo"


def test_a_preview_shows_the_html_keeps_the_text_and_saves_nothing(who, one):
    response = post(who, one, "say **it**", preview="1")
    html = html_of(response)
    assert response.status_code == 200
    assert "say <strong>it</strong>" in html
    assert "say **it**</textarea>" in html
    assert note(who, one) is None


@pytest.mark.parametrize("button", [{}, {"preview": "1"}])
def test_a_formula_that_doesnt_parse_is_said_by_the_field_and_the_text_stays(who, one, button):
    response = post(who, one, "so $\\frac{a$", **button)
    html = html_of(response)
    assert response.status_code == 422
    assert "<title>Error: My note" in html
    assert 'class="err" id="id_text_error"' in html
    assert "so $\\frac{a$</textarea>" in html
    assert 'aria-invalid="true"' in html


@pytest.mark.parametrize(
    ("text", "seen", "sentence"),
    [
        ("a\0b", "", "A NUL character can’t be stored; remove it."),
        ("x" * 10_001, "", "Shorten the note to 10000 characters; it has 10001."),
        ("text", "x", "The form was incomplete; try again."),
        ("text", "1.2.3", "The form was incomplete; try again."),
        ("text", "9" * 5000 + ".1", "The form was incomplete; try again."),
    ],
)
def test_what_cant_be_stored_is_said_in_a_sentence(who, one, text, seen, sentence):
    response = post(who, one, text, seen)
    assert response.status_code == 422
    assert sentence in html_of(response)
    assert note(who, one) is None


def test_the_longest_note_is_counted_as_the_browser_counts_it(who, one):
    assert post(who, one, "a\r\n" * 5_000).status_code == 303


def test_a_second_tab_sees_both_texts_and_can_save_its_own_after_all(who, one):
    notes.save(who, one.pk, "from the *other* tab", "")
    response = post(who, one, "from this tab", next="/review/")
    html = html_of(response)
    assert response.status_code == 409
    assert re.search(r'role="alert" tabindex="-1" autofocus><p>This note was saved in another tab', html)
    assert "from the <em>other</em> tab" in html
    assert "from the *other* tab</textarea>" in html
    assert "from this tab</textarea>" in html
    assert 'name="next" value="/review/"' in html
    edition = notes.edition(note(who, one))
    assert f'name="seen" value="{edition}"' in html
    assert post(who, one, "from this tab", edition).status_code == 303


def test_a_note_deleted_in_another_tab_leaves_what_was_typed(who, one):
    response = post(who, one, "from this tab", "1.1")
    assert response.status_code == 409
    assert "This note was deleted in another tab" in html_of(response)
    assert "from this tab</textarea>" in html_of(response)


def test_a_note_belongs_to_one_learner(who, one):
    other = learner()
    notes.save(other, one.pk, "secret", "")
    assert "secret" not in html_of(client_of(who).get(f"/cards/{one.pk}/note/"))
    assert post(who, one, "mine", notes.edition(note(other, one))).status_code == 409
    stored = note(other, one)
    assert stored is not None
    assert stored.text == "secret"


def test_a_card_that_isnt_there_has_no_note(who, one):
    client = client_of(who)
    for url in (f"/cards/{one.pk + 1}/note/", f"/cards/{10**25}/note/"):
        assert client.get(url).status_code == client.post(url, {"text": "x"}).status_code == 404


def test_looking_changes_nothing(who, one):
    client = client_of(who)
    assert client.get(f"/cards/{one.pk}/note/?text=x").status_code == 200
    assert client.head(f"/cards/{one.pk}/note/").status_code == 200
    assert client.put(f"/cards/{one.pk}/note/").status_code == 405
    assert not Note.objects.exists()
    assert not ReviewState.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_cards(who, one):
    client, url = client_of(who), f"/cards/{one.pk}/note/"
    few = statements(client, url)
    Note.objects.bulk_create(Note(learner=who, card=other, text="x", html="x") for other in deck(5_000))
    assert statements(client, url) == few <= 12
