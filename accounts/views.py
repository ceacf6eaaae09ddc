"""Pages of the account that no library brings."""

from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from allauth.decorators import rate_limit
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import zone_or_utc
from accounts.models import User
from accounts.redirects import SeeOther, next_page, page_of
from accounts.study_settings import StudySettingsForm


@login_not_required
@require_POST
@rate_limit(action="guest")  # type: ignore[untyped-decorator]
def try_it(request: HttpRequest) -> HttpResponse:
    """Let a visitor study at once; signing up later keeps what was done."""
    if not request.user.is_authenticated:
        login(request, User.objects.create_guest(zone_or_utc(request.POST.get("time_zone", ""))))
    return SeeOther(next_page(request, resolve_url("review")))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show and keep how the learner studies; what was typed wrong stays in the form, and nowhere else."""
    assert request.user.is_authenticated
    learner = User.objects.get(pk=request.user.pk)
    form = StudySettingsForm(request.POST or None, instance=learner, now=timezone.now())
    if request.method == "POST" and form.is_valid():
        form.instance.save(update_fields=form.changed_data)
        messages.success(request, "Settings saved.")
        return SeeOther(resolve_url("settings"))
    confirmed = EmailAddress.objects.filter(user=learner, email=learner.email, verified=True).exists()
    context = {"form": form, "confirmed": confirmed, "nav": "settings"}
    return render(request, "accounts/settings.html", context, status=422 if form.errors else 200)


@require_POST
def confirm_again(request: HttpRequest) -> HttpResponse:
    """Send the confirmation mail once more.

    The answer is the same whether or not the limit let it through: the limit counts by address, so that it
    would tell whether somebody else has just signed up with the same one.
    """
    wanted = EmailAddress.objects.filter(
        user=request.user, email=request.POST.get("email", ""), verified=False
    ).first()
    if wanted and ratelimit.consume(request, action="confirm_email", key=wanted.email):
        wanted.send_confirmation(request)
    messages.success(
        request,
        "A new mail is on its way, unless the last one is less than three minutes old: look for that one.",
    )
    return SeeOther(next_page(request, resolve_url("settings")))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the form was too old; a card that htmx sent is fetched afresh."""
    response = render(request, "accounts/csrf_failure.html", {"page": page_of(request)}, status=403)
    if getattr(request, "htmx", False):
        response["HX-Refresh"] = "true"
    return response
