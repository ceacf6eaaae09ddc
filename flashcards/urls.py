"""Addresses of the study pages."""

from django.urls import path

from flashcards.views import browse, cards, decks, export, health, notes, pages, practice, review, today

urlpatterns = [
    path("", pages.landing, name="landing"),
    path("help/", pages.help_page, name="help"),
    path("about/", pages.about, name="about"),
    path("today/", today.today, name="today"),
    path("review/", review.review, name="review"),
    path("review/done/", today.done, name="done"),
    path("review/undo/", review.undo, name="undo"),
    path("review/<int:card_id>/grade/", review.grade, name="grade"),
    path("review/<int:card_id>/bury/", review.set_aside, {"how": "bury"}, name="review-bury"),
    path("review/<int:card_id>/suspend/", review.set_aside, {"how": "suspend"}, name="review-suspend"),
    path("practice/", practice.practice, name="practice"),
    path("browse/", browse.browse, name="browse"),
    path("decks/", decks.decks, name="decks"),
    path("decks/<slug:key>/", decks.deck, name="deck"),
    path("cards/<int:card_id>/", cards.card, name="card"),
    path("cards/<int:card_id>/note/", notes.note, name="note"),
    path("cards/<int:card_id>/suspend/", cards.suspend, name="suspend"),
    path("cards/<int:card_id>/release/", cards.release, name="release"),
    path("cards/<int:card_id>/bury/", cards.bury, name="bury"),
    path("cards/<int:card_id>/reset/", cards.reset, name="reset"),
    path("cards/<int:card_id>/due/", cards.set_due, name="set-due"),
    path("settings/export/", export.export, name="export"),
    path("healthz", health.healthz, name="healthz"),
]
