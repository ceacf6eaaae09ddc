"""Every address of the project."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import import_string

from flashcards.views.metrics import metrics

handler500 = "config.failing.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("flashcards.urls")),
]
if settings.MAIL_WEBHOOK:
    view = import_string(settings.MAIL_WEBHOOK).as_view()
    urlpatterns.append(path("webhooks/mail/", view, name="mail-webhook"))
if settings.METRICS_TOKEN:
    urlpatterns.append(path("metrics", metrics, name="metrics"))
