"""How the servers do, for whoever runs Engram."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts import second_factor
from flashcards.models import Tally
from flashcards.operating import machines, reading
from flashcards.operating.reading import Moment
from flashcards.reminders import watching


# It takes no input. For everyone else nothing is at this address, whatever they send to it.
@csrf_exempt
@login_not_required
@second_factor.staff_only
@never_cache
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Show staff how requests, tasks, mails and the database do."""
    now = timezone.now()
    return render(request, "flashcards/operations.html", {"now": now, **_traffic(now), **_machines(now)})


def _traffic(now: datetime) -> dict[str, Any]:
    minutes = reading.minutes(now)
    return {
        "minutes": minutes,
        "finding": _finding(minutes),
        "views": reading.times(Tally.Kind.REQUEST, now),
        "tasks": reading.times(Tally.Kind.TASK, now),
        "broken": reading.broken(now),
        "statements": reading.statements(now),
    }


def _machines(now: datetime) -> dict[str, Any]:
    status, waiting = watching.status(now), machines.waiting()
    processes, memory = machines.resident()
    return {
        "says": watching.says(status),
        "status": status,
        "silence": _length(status.silence),
        "lag": _length(status.typical_lag),
        "worst_lag": _length(status.worst_lag),
        "waiting": waiting,
        "database": machines.database(),
        "processes": processes,
        "memory": memory,
        "versions": machines.versions(),
    }


def _finding(minutes: Sequence[Moment]) -> str:
    """Say what the last hour comes to."""
    requests, errors = sum(one.requests for one in minutes), sum(one.errors for one in minutes)
    if not requests:
        return "No request in the last hour."
    most = max(one.requests for one in minutes)
    broke = f"{errors:,} of them broke" if errors else "none of them broke"
    return f"{requests:,} requests in the last hour, {broke}; {most:,} in the busiest minute."


def _length(length: Any) -> str:
    return watching.lasting(length) if length is not None else ""
