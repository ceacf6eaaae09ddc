from importlib import import_module

from allauth.usersessions.apps import UserSessionsConfig
from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who the learner is; knows nothing of cards."""

    name = "accounts"
    default = True

    def ready(self) -> None:
        """Listen to what allauth tells of log-ins, passwords and second factors."""
        import_module("accounts.listening").connect()


class SessionsConfig(UserSessionsConfig):
    """allauth's notes of sessions, written by accounts.sessions alone: without the client's whole address."""

    default = False

    def ready(self) -> None:
        """Leave out allauth's listeners; accounts.listening stands in for them."""
