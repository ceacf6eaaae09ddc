"""What happened to an account, for its learner and for whoever runs the server."""

from django.db import models

from accounts.models.learners import User


class AccountEvent(models.Model):
    """One thing that happened to an account; written once, never changed, and cleared after 90 days.

    It holds no secret and no address. `session` is the short name of the session that did it, `network` the
    part of the client's address that names no person, `device` two words about the browser, `by` the staff
    member who did it for the learner. Two kinds belong to nobody: a failed log-in under an address that no
    account has, and the end of an account.
    """

    class Kind(models.TextChoices):
        SIGNED_UP = "signed_up", "Signed up"
        LOGGED_IN = "logged_in", "Logged in"
        STAFF_LOGGED_IN = "staff_logged_in", "Logged in as staff"
        LOGIN_FAILED = "login_failed", "Log-in with a wrong password"
        LOGGED_OUT = "logged_out", "Logged out"
        PASSWORD_REFUSED = "password_refused", "Wrong password when asked again"
        PASSWORD_CHANGED = "password_changed", "Password changed"
        PASSWORD_RESET = "password_reset", "Password reset by mail"
        ADDRESS_CONFIRMED = "address_confirmed", "Address confirmed"
        ADDRESS_CHANGED = "address_changed", "Address changed"
        APP_ADDED = "app_added", "Authenticator app added"
        APP_REMOVED = "app_removed", "Authenticator app removed"
        PASSKEY_ADDED = "passkey_added", "Passkey added"
        PASSKEY_REMOVED = "passkey_removed", "Passkey removed"
        CODES_MADE = "codes_made", "Recovery codes made"
        CODES_REMOVED = "codes_removed", "Recovery codes removed"
        APP_USED = "app_used", "Authenticator app used"
        PASSKEY_USED = "passkey_used", "Passkey used"
        CODE_USED = "code_used", "Recovery code used"
        FACTOR_FAILED = "factor_failed", "Wrong code"
        SESSIONS_ENDED = "sessions_ended", "Other devices signed out"
        SESSION_ENDED = "session_ended", "One device signed out"
        CONFIRMATION_SENT = "confirmation_sent", "Confirmation mail sent again"
        UNLOCKED = "unlocked", "Log-in unlocked"
        FACTORS_RESET = "factors_reset", "Second factor removed by staff"
        DELETED = "deleted", "Account deleted"

    learner = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="account_events")
    kind = models.CharField(max_length=20, choices=Kind)
    at = models.DateTimeField(db_index=True)
    session = models.CharField(max_length=8, blank=True)
    network = models.CharField(max_length=43, blank=True)
    device = models.CharField(max_length=60, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = "account event"
        indexes = [models.Index(fields=["learner", "-at"], name="event_of_learner")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(learner__isnull=False) | models.Q(kind__in=("login_failed", "deleted")),
                name="events_have_a_learner",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M} UTC"
