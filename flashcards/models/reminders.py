"""The mails that are to be sent: the database is the list, whatever happens to the broker."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Reminder(models.Model):
    """One mail that a learner is to get: unique by learner, the local date it is meant for, and kind.

    `message_id` is made once, so that a second copy of the same mail can be known as one. The mail may leave
    from `next_try_at` on and until `expires_at`; whoever sends it holds it until `lease_until`. `queued_at`
    says when it was last handed to a worker. `reason` says why it was skipped or refused, or what went wrong
    last.
    """

    class Kind(models.TextChoices):
        DAILY = "daily", "Daily reminder"
        WEEKLY = "weekly", "Weekly summary"

    class State(models.TextChoices):
        DUE = "due", "Due"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "Skipped"
        REFUSED = "refused", "Refused"

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mails")
    kind = models.CharField(max_length=6, choices=Kind)
    intended_on = models.DateField("meant for")
    state = models.CharField(max_length=7, choices=State, default=State.DUE)
    message_id = models.CharField(max_length=255, unique=True)
    expires_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "intended_on", "kind"], name="one_mail_per_day_and_kind"
            ),
            models.CheckConstraint(
                condition=Q(state="sending", lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease_until__isnull=True)),
                name="a_lease_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="sent_at_when_sent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="reminder_open", condition=Q(state__in=["due", "sending"])
            ),
            models.Index(fields=["intended_on", "state"], name="reminder_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.learner_id} for {self.intended_on}: {self.state}"


class Heartbeat(models.Model):
    """When a task last came through the broker to a worker, by the task's name."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M:%S}"
