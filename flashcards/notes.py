"""A learner's own words on a card: saved and deleted, never over a text that wasn't seen."""

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import User
from flashcards import rendering
from flashcards.models import Note

MAX_NOTE = 10_000


class Conflict(Exception):
    """The note changed since it was opened, so nothing was saved; `current` is what is stored (or None)."""

    def __init__(self, current: Note | None) -> None:
        super().__init__("This note changed in another tab.")
        self.current = current


def edition(note: Note | None) -> str:
    """Return what names this text of the note, empty for no note; an edition never comes again."""
    return f"{note.pk}.{note.version}" if note else ""


def save(learner: User, card_id: int, text: str, seen: str) -> None:
    """Store the text in place of the edition that was `seen`; an empty text deletes the note.

    Raises rendering.TextError when the Markdown can't be shown, Conflict when another text was saved
    meanwhile. Sending the same text again is no conflict.
    """
    text = text if text.strip() else ""
    html = rendering.markdown_html(text)
    if not text:
        done = not seen or _delete(learner, card_id, seen)
    elif seen:
        done = _replace(learner, card_id, text, html, seen)
    else:
        done = _create(learner, card_id, text, html)
    if not done:
        _check_same(text, current(learner, card_id))


def current(learner: User, card_id: int) -> Note | None:
    """Return the learner's note on this card."""
    return Note.objects.filter(learner=learner, card=card_id).first()


def _create(learner: User, card_id: int, text: str, html: str) -> bool:
    try:
        with transaction.atomic():
            Note.objects.create(learner=learner, card_id=card_id, text=text, html=html)
    except IntegrityError:
        return False
    return True


def _replace(learner: User, card_id: int, text: str, html: str, seen: str) -> bool:
    seen_note = Note.objects.filter(learner=learner, card=card_id, **_named(seen))
    return bool(seen_note.update(text=text, html=html, version=F("version") + 1))


def _delete(learner: User, card_id: int, seen: str) -> bool:
    return bool(Note.objects.filter(learner=learner, card=card_id, **_named(seen)).delete()[0])


def _named(seen: str) -> dict[str, int]:
    pk, _, version = seen.partition(".")
    return {"pk": int(pk), "version": int(version)}


def _check_same(text: str, stored: Note | None) -> None:
    if text != (stored.text if stored else ""):
        raise Conflict(stored)
