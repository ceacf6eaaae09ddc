"""What a provider reports about mails that it has taken: addresses that nobody reads, and complaints."""

import logging
from collections.abc import Callable
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef

from accounts.models import User

# anymail's words, which it makes of each provider's.
REFUSED: Final = {"bounced", "rejected"}
COMPLAINED: Final = "complained"
# Its reasons that speak of the address; others speak of us, of the mail, or of a policy.
OF_THE_ADDRESS: Final = {"bounced", "invalid"}

# A full mailbox or a server that is away counts as a bounce to these, told apart by their own words only.
SOFT_BOUNCES: Final[dict[str, Callable[[Any], bool]]] = {
    "Brevo": lambda report: report.get("event") == "soft_bounce",
    "Postmark": lambda report: report.get("Type") == "SoftBounce",
    "Resend": lambda report: report["data"].get("bounce", {}).get("type", "Permanent") != "Permanent",
    "SparkPost": lambda report: any(
        event.get("bounce_class") in {"20", "21", "22", "23", "40", "70"} for event in report["msys"].values()
    ),
}

logger = logging.getLogger(__name__)


def receive(sender: object, event: Any, esp_name: str, **_: object) -> None:  # noqa: ARG001  # anymail's signal
    """Do what a report asks for. The same one again changes nothing."""
    if not event.recipient:
        return
    if event.event_type == COMPLAINED:
        complained(event.recipient)
    elif event.event_type in REFUSED and event.reject_reason in OF_THE_ADDRESS and not _soft(event, esp_name):
        refused(event.recipient)


def refused(address: str) -> int:
    """Note that no mail reaches this address, for every learner who has confirmed it; return how many."""
    return _mark(address, {})


def complained(address: str) -> int:
    """Note that its reader calls our mail spam: no mail goes there, and both kinds are turned off."""
    return _mark(address, {"reminders": False, "weekly_summary": False})


def _mark(address: str, columns: dict[str, Any]) -> int:
    mine = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    learners = User.objects.filter(Exists(mine), email=address.lower(), is_active=True)
    marked = learners.update(refused_email=address.lower(), **columns)
    logger.info("A provider reported a %s; learners marked: %d", "complaint" if columns else "bounce", marked)
    return marked


def _soft(event: Any, esp_name: str) -> bool:
    told = SOFT_BOUNCES.get(esp_name)
    return bool(told and told(event.esp_event))
