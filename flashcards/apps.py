from django.apps import AppConfig


class FlashcardsConfig(AppConfig):
    """Decks, reviews and the figures drawn from them."""

    name = "flashcards"
