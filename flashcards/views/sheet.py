"""The last-night sheet: two printed pages with the cards most likely to slip."""

from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.dateformat import format as format_date
from django.views.decorators.http import require_safe

from accounts.requests import LearnerRequest
from flashcards import night_sheet, readiness
from flashcards.readiness import Lead
from flashcards.views.stage import Moment


@require_safe
def sheet(request: LearnerRequest) -> HttpResponse:
    """Show the sheet, ready to be printed."""
    moment = Moment.of(request)
    lead = readiness.leading(moment.learner, moment.today)
    ready = readiness.readiness(moment.learner, lead, moment.today)
    slips = readiness.at_risk(moment.learner, lead, moment.today, ready, night_sheet.MOST_CARDS)
    context = {
        "nav": "dashboard",
        "heading": heading(lead, moment.today),
        "lead": lead,
        "today": moment.today,
        "weakest": night_sheet.weakest(ready.topics),
        "cards": night_sheet.sheet_cards(moment.learner, slips) if slips else [],
        "started": ready.started,
    }
    return render(request, "flashcards/sheet.html", context)


def heading(lead: Lead, today: date) -> str:
    """Return what the sheet is for: “Last-night sheet for Acme, MLOps engineer, 11 December”."""
    day = format_date(lead.on, "j F" if lead.on.year == today.year else "j F Y")
    if lead.interview is None:
        return f"Last-night sheet for the time until {day}"
    role = f", {lead.interview.role}" if lead.interview.role else ""
    return f"Last-night sheet for {lead.interview.company}{role}, {day}"
