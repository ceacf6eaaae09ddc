"""Every address of the project."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.utils.module_loading import import_string

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("flashcards.urls")),
]
if settings.MAIL_WEBHOOK:
    view = import_string(settings.MAIL_WEBHOOK).as_view()
    urlpatterns.append(path("webhooks/mail/", view, name="mail-webhook"))
