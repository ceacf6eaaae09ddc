"""Addresses of the account pages beside allauth's."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("try/", views.try_it, name="try"),
    path("settings/", views.settings, name="settings"),
    path("settings/confirm-again/", views.confirm_again, name="confirm-again"),
]
