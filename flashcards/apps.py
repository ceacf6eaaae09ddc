from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class FlashcardsConfig(AppConfig):
    """Decks, reviews and the figures drawn from them."""

    name = "flashcards"

    def ready(self) -> None:
        """Listen to a provider's reports, where one may send any; else anymail isn't even imported."""
        if settings.MAIL_WEBHOOK:
            bounces = import_module("flashcards.reminders.bounces")
            import_module("anymail.signals").tracking.connect(bounces.receive, dispatch_uid="bounces")
