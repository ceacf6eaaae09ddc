from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who the learner is; knows nothing of cards."""

    name = "accounts"
