"""Who the learner is: the account and how they like to study."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from accounts import time_zones

EVERY_DAY = 0b1111111  # of User.remind_days


def validate_time_zone(name: str) -> None:
    """Refuse what is not an IANA time zone."""
    if name not in time_zones.known():
        raise ValidationError(f"“{name}” is not a known time zone; choose one such as Europe/Berlin.")


class UserManager(BaseUserManager["User"]):
    """Makes accounts; an address is stored in lower case, as it is compared."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a saved account with this address; without a password it can't log in."""
        if not email:
            raise ValueError("An account needs an e-mail address.")
        return self._create(email.lower(), password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a saved account that may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def create_guest(self, time_zone: str) -> "User":
        """Return a saved visitor who studies without an account."""
        return self._create("", None, is_guest=True, time_zone=time_zone)

    def locked_guest(self, user: "User | AnonymousUser") -> "User | None":
        """Return the guest's row, held until the transaction ends; None for everyone else."""
        if not user.is_authenticated or not user.is_guest:
            return None
        return self.select_for_update().filter(pk=user.pk, is_guest=True, gone_at=None).first()

    def _create(self, email: str, password: str | None, **fields: Any) -> "User":
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A learner, or a guest who has not signed up yet.

    The address isn't unique here: several people may type the same one at sign-up, and whoever confirms
    it owns it (allauth keeps confirmed addresses unique). Anything else would tell who has an account.
    """

    class Theme(models.TextChoices):
        SYSTEM = "system", "As my device says"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    email = models.EmailField("e-mail address", blank=True, db_index=True)
    is_guest = models.BooleanField(default=False, editable=False)
    is_staff = models.BooleanField("may use the admin", default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)
    # Each session carries a digest of this; one more, and all that there are have ended.
    session_epoch = models.PositiveIntegerField(default=0, editable=False)

    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    day_start = models.PositiveSmallIntegerField(
        "start of day",
        default=4,
        validators=[MaxValueValidator(6)],
        help_text="The hour at which a new study day begins, 0 to 6.",
    )
    new_cards_per_day = models.PositiveSmallIntegerField(
        "new cards a day", default=5, validators=[MaxValueValidator(200)]
    )
    reviews_per_day = models.PositiveSmallIntegerField(
        "reviews a day", default=200, validators=[MaxValueValidator(2000)]
    )
    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    single_keys = models.BooleanField(
        "single-key shortcuts",
        default=True,
        help_text="Space shows the answer, 1 to 4 grade it, letters do the rest.",
    )

    # What the due days are worked out for; flashcards writes them together with the due days.
    interview_on = models.DateField("next interview", null=True, blank=True, editable=False)
    break_from = models.DateField("first day of the break", null=True, blank=True, editable=False)
    break_until = models.DateField("last day of the break", null=True, blank=True, editable=False)
    # While a plan for many cards moves them in portions: the key of the last card that it has looked at.
    planned_up_to = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    # And while very many late cards are spread, or put back: the batch, and what of it is left to be done.
    spreading = models.JSONField(null=True, blank=True, editable=False)

    # Mails: what the learner wants. None leaves before the address is confirmed.
    reminders = models.BooleanField("daily reminder", default=False)
    remind_at = models.PositiveSmallIntegerField(
        "time of the reminder",
        default=16,
        validators=[MaxValueValidator(47)],
        help_text="Half hours since midnight: 16 is 08:00.",
    )
    remind_days = models.PositiveSmallIntegerField(
        "days of the reminder",
        default=EVERY_DAY,
        validators=[MaxValueValidator(EVERY_DAY)],
        help_text="One bit for each weekday, Monday the lowest.",
    )
    remind_from_cards = models.PositiveSmallIntegerField(
        "fewest cards for a reminder", default=1, validators=[MinValueValidator(1), MaxValueValidator(200)]
    )
    weekly_summary = models.BooleanField("weekly summary", default=False)

    # Mails: what has come of them. None is meant for a day before `snoozed_to`, which the learner has chosen,
    # or before `mail_from_on`, which lies farther and farther off while `mails_unanswered` are sent with no
    # answer in between. `refused_email` is an address that no mail reaches.
    snoozed_to = models.DateField(null=True, blank=True, editable=False)
    mail_from_on = models.DateField(null=True, blank=True, editable=False)
    mails_unanswered = models.PositiveSmallIntegerField(default=0, editable=False)
    refused_email = models.EmailField(blank=True, editable=False)

    objects = UserManager()

    # When the account was deleted, while rows that name nobody any more wait to be cleared: see deleting.py.
    gone_at = models.DateTimeField(null=True, blank=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "learner"
        indexes = [
            models.Index(fields=["gone_at"], name="learner_gone", condition=models.Q(gone_at__isnull=False)),
            models.Index(
                fields=["time_zone", "remind_at"],
                name="learner_reminders",
                condition=models.Q(reminders=True, is_active=True),
            ),
            models.Index(
                fields=["time_zone", "remind_at"],
                name="learner_summaries",
                condition=models.Q(weekly_summary=True, is_active=True),
            ),
            models.Index(
                fields=["id"],
                name="learner_moving",
                condition=models.Q(planned_up_to__isnull=False) | models.Q(spreading__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_guest=True) ^ ~models.Q(email=""), name="guests_have_no_email"
            ),
            models.CheckConstraint(condition=models.Q(day_start__lte=6), name="day_start_0_to_6"),
            models.CheckConstraint(
                condition=models.Q(break_from__isnull=True, break_until__isnull=True)
                | models.Q(
                    break_from__isnull=False,
                    break_until__isnull=False,
                    break_from__lte=models.F("break_until"),
                ),
                name="break_from_until",
            ),
            models.CheckConstraint(condition=models.Q(remind_at__lte=47), name="remind_at_a_half_hour"),
            models.CheckConstraint(condition=models.Q(remind_days__lte=EVERY_DAY), name="remind_on_weekdays"),
        ]

    def __str__(self) -> str:
        return self.email or f"visitor {self.pk}"

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session has to carry: Django's digest of the password, and from epoch 1 of both."""
        digest: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if not self.session_epoch:
            return digest
        text = f"{digest}{self.session_epoch}"
        return salted_hmac("accounts.session_epoch", text, secret=secret, algorithm="sha256").hexdigest()
