"""Pages of the account that no library brings."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from allauth.decorators import rate_limit
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import reminder_settings
from accounts.forms import zone_or_utc
from accounts.models import User
from accounts.redirects import SeeOther, next_page, page_of
from accounts.reminder_settings import ReminderSettingsForm
from accounts.requests import LearnerRequest
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
def settings(request: LearnerRequest) -> HttpResponse:
    """Show and keep how the learner studies; what was typed wrong stays in the form, and nowhere else."""
    now = timezone.now()
    if request.method != "POST":
        return _settings(request, now)
    with transaction.atomic():
        form = StudySettingsForm(request.POST, instance=_held(request.user), now=now)
        if saved := form.is_valid():
            _keep_study(form, now)
    if not saved:
        return _settings(request, now, study=form)
    messages.success(request, "Settings saved.")
    return SeeOther(resolve_url("settings"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reminders(request: LearnerRequest) -> HttpResponse:
    """Keep which mails the learner wants; the form stands on the settings page."""
    if request.method != "POST":
        return redirect("settings")
    if request.user.is_guest:
        return _refuse_guest(request)
    now = timezone.now()
    with transaction.atomic():
        form = ReminderSettingsForm(request.POST, instance=_held(request.user))
        if saved := form.is_valid():
            reminder_settings.keep(form, now)
    if not saved:
        return _settings(request, now, mails=form)
    messages.success(request, "Reminders saved.")
    return SeeOther(resolve_url("settings"))


@require_POST
def try_address_again(request: LearnerRequest) -> HttpResponse:
    """Send mails again to the address that refused one."""
    with transaction.atomic():
        learner = _held(request.user)
        learner.refused_email = ""
        learner.snoozed_to = reminder_settings.not_before(learner, timezone.now())
        learner.save(update_fields=["refused_email", "snoozed_to"])
    messages.success(request, f"We’ll try {learner.email} again with the next mail.")
    return SeeOther(resolve_url("settings"))


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


def _held(user: User) -> User:
    """Return the learner as stored, locked: whoever snoozes meanwhile waits."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _keep_study(form: StudySettingsForm, now: datetime) -> None:
    changed = form.changed_data
    if "time_zone" in changed:
        form.instance.snoozed_to = reminder_settings.not_before(form.instance, now)
        changed = [*changed, "snoozed_to"]
    form.instance.save(update_fields=changed)


def _refuse_guest(request: HttpRequest) -> HttpResponse:
    messages.warning(request, "Reminders go to an e-mail address. Sign up first, then choose them here.")
    return SeeOther(resolve_url("settings"))


def _settings(
    request: LearnerRequest,
    now: datetime,
    study: StudySettingsForm | None = None,
    mails: ReminderSettingsForm | None = None,
) -> HttpResponse:
    """Render the page; a form that is given holds mistakes."""
    learner = request.user
    confirmed = EmailAddress.objects.filter(user=learner, email=learner.email, verified=True).exists()
    context = {
        "form": study or StudySettingsForm(instance=learner, now=now),
        "mails": mails or ReminderSettingsForm(instance=learner),
        "standing": reminder_settings.standing(learner, now, confirmed=confirmed),
        "confirmed": confirmed,
        "nav": "settings",
    }
    return render(request, "accounts/settings.html", context, status=422 if study or mails else 200)
