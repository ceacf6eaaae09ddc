"""Addresses of the account pages beside allauth's."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("try/", views.try_it, name="try"),
    path("settings/", views.settings, name="settings"),
    path("settings/reminders/", views.reminders, name="reminder-settings"),
    path("settings/reminders/try-again/", views.try_address_again, name="try-address-again"),
    path("settings/confirm-again/", views.confirm_again, name="confirm-again"),
]
