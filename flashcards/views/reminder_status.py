"""How mails do, for whoever runs Engram."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts import second_factor
from flashcards.models import Reminder
from flashcards.reminders import watching
from flashcards.reminders.watching import Reason, Status


# It takes no input. For everyone else nothing is at this address, whatever they send to it.
@csrf_exempt
@login_not_required
@second_factor.staff_only
@never_cache
@require_safe
def reminder_status(request: HttpRequest) -> HttpResponse:
    """Show staff how many mails are in which state, how late they are, and what goes wrong."""
    status = watching.status(timezone.now())
    context = {
        "status": status,
        "says": watching.says(status),
        "states": [(Reminder.State(state).label, mails) for state, mails in status.states.items()],
        "skipped": _rows(status.skipped),
        "troubles": _rows(status.troubles),
        **_lengths(status),
    }
    return render(request, "flashcards/reminder_status.html", context)


def _rows(reasons: list[Reason]) -> list[tuple[str, str, int]]:
    return [(Reminder.State(row.state).label, row.reason, row.mails) for row in reasons]


def _lengths(status: Status) -> dict[str, Any]:
    """Return the lengths of time as words, empty where there is none."""
    lengths = {
        "silence": status.silence,
        "oldest": status.oldest,
        "typical_lag": status.typical_lag,
        "worst_lag": status.worst_lag,
    }
    return {name: watching.lasting(length) if length is not None else "" for name, length in lengths.items()}
