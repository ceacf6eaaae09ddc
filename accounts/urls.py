"""Addresses of the account pages beside allauth's."""

from django.urls import path

from accounts import security, views

urlpatterns = [
    path("try/", views.try_it, name="try"),
    path("settings/", views.settings, name="settings"),
    path("settings/reminders/", views.reminders, name="reminder-settings"),
    path("settings/reminders/try-again/", views.try_address_again, name="try-address-again"),
    path("settings/security/", security.security, name="security"),
    path("settings/sessions/end-others/", security.end_other_sessions, name="end-other-sessions"),
    path("settings/sessions/<int:pk>/end/", security.end_session, name="end-session"),
    path("settings/delete/", security.delete, name="delete-account"),
    path("settings/confirm-again/", views.confirm_again, name="confirm-again"),
]
