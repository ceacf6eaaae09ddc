from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """How it all runs: commands and checks, no models."""

    name = "config"

    def ready(self) -> None:
        """Let `migrate` refuse a database that is newer than this release."""
        import_module("flashcards.operating.releases")
