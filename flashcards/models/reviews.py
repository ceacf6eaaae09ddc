"""Each learner's review state, the log it is folded from, the log's daily roll-up, and notes."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property

from flashcards.models.decks import LONG_TEXT, Card
from flashcards.scheduling import sm2
from flashcards.scheduling.schedule import Kind


class ReviewState(models.Model):
    """One learner's schedule for one card: the log folded, plus the two reversible pauses.

    A card without a row is new, and so is one with `due_on` empty (reset, undone, or paused before its
    first answer). `ease` is in hundredths, `interval` in days; all dates are study days. `own_due_on` is
    the due day that the plan moved the card away from. `version` counts the events so far; `shuffle`
    orders the cards inside a due day. `stability` (days), `difficulty` (1 to 10) and `remembered_on` (the
    last answer's day) are what FSRS makes of the answers.
    """

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="states")
    card = models.ForeignKey(Card, on_delete=models.CASCADE, related_name="states")
    repetitions = models.PositiveIntegerField(default=sm2.NEW.repetitions)
    ease = models.PositiveIntegerField(default=sm2.NEW.ease)
    interval = models.PositiveIntegerField(default=sm2.NEW.interval)
    drill = models.BooleanField(default=sm2.NEW.drill)
    due_on = models.DateField(null=True, blank=True)
    own_due_on = models.DateField(null=True, blank=True)
    introduced_on = models.DateField(null=True, blank=True)
    last_reviewed_on = models.DateField(null=True, blank=True)
    last_answered_at = models.DateTimeField(null=True, blank=True)
    lapses = models.PositiveIntegerField(default=0)
    stability = models.FloatField(null=True, blank=True)
    difficulty = models.FloatField(null=True, blank=True)
    remembered_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    shuffle = models.PositiveIntegerField(default=0)
    suspended = models.BooleanField(default=False)
    buried_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "card"], name="one_state_per_card"),
            models.CheckConstraint(condition=Q(ease__gte=sm2.MIN_EASE), name="ease_from_130"),
            models.CheckConstraint(condition=Q(interval__lte=sm2.MAX_INTERVAL), name="interval_to_36500"),
            models.CheckConstraint(
                condition=Q(due_on__isnull=True, interval=0) | Q(due_on__isnull=False, interval__gte=1),
                name="new_or_scheduled",
            ),
            models.CheckConstraint(
                condition=Q(own_due_on__isnull=True) | Q(due_on__isnull=False), name="new_cards_have_no_plan"
            ),
            models.CheckConstraint(
                condition=Q(stability__isnull=True, difficulty__isnull=True, remembered_on__isnull=True)
                | Q(
                    stability__isnull=False,
                    stability__gt=0,
                    difficulty__isnull=False,
                    difficulty__gte=1,
                    difficulty__lte=10,
                    remembered_on__isnull=False,
                ),
                name="memory_whole_or_none",
            ),
        ]
        indexes = [
            models.Index(
                fields=["learner", "due_on", "shuffle"],
                name="state_queue",
                condition=Q(suspended=False, due_on__isnull=False),
            ),
            models.Index(fields=["learner", "last_reviewed_on"], name="state_today"),
            models.Index(fields=["learner"], name="state_new", condition=Q(due_on__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.learner_id}/{self.card_id} v{self.version}"


class Frontier(models.Model):
    """How far a learner has come: they have a row for each card that is before this place in deck order.

    It may lie further back than it could, never further ahead. frontier.py moves it, once a study day.
    """

    learner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="frontier", primary_key=True
    )
    deck_number = models.PositiveBigIntegerField(default=0)
    position = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.learner_id} up to {self.deck_number}/{self.position}"


class ReviewLog(models.Model):
    """One event in a card's history. Rows are only ever added; `sequence` orders them, not the clock.

    The columns from `repetitions` to `lapses` are the state after the event; `interval_before` is in
    days. Times are in milliseconds, empty where the browser didn't measure them. `predicted` is the chance
    of recall as it was foreseen, empty for a first answer and for a second one in a day; `for_retention`
    marks the day's first review of a card that had an interval. Events of one `batch` are undone together.
    """

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="log")
    state = models.ForeignKey(ReviewState, on_delete=models.CASCADE, related_name="log")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in Kind])
    grade = models.PositiveSmallIntegerField(null=True)
    at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    study_day = models.DateField()
    thinking_ms = models.PositiveIntegerField(null=True)
    reading_ms = models.PositiveIntegerField(null=True)
    submission = models.UUIDField(null=True)
    undoes = models.PositiveIntegerField(null=True)
    batch = models.UUIDField(null=True)
    predicted = models.FloatField(null=True)
    for_retention = models.BooleanField(default=False)
    interval_before = models.PositiveIntegerField()
    repetitions = models.PositiveIntegerField()
    ease = models.PositiveIntegerField()
    interval = models.PositiveIntegerField()
    drill = models.BooleanField()
    due_on = models.DateField(null=True)
    lapses = models.PositiveIntegerField()
    scheduler = models.CharField(max_length=16)
    scheduler_version = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state", "sequence"], name="one_event_per_sequence"),
            models.UniqueConstraint(fields=["learner", "submission"], name="one_event_per_submission"),
            models.UniqueConstraint(fields=["state", "undoes"], name="undone_once"),
            models.CheckConstraint(condition=Q(grade__isnull=True) | Q(grade__lte=5), name="grade_0_to_5"),
            models.CheckConstraint(
                condition=Q(kind__in=["review", "drill", "practice"], grade__isnull=False)
                | Q(kind__in=["undo", "reset", "set_due", "plan", "import"], grade__isnull=True),
                name="answers_have_a_grade",
            ),
            models.CheckConstraint(
                condition=Q(kind="undo", undoes__isnull=False, undoes__lt=F("sequence"))
                | (~Q(kind="undo") & Q(undoes__isnull=True)),
                name="undo_names_an_earlier_event",
            ),
            models.CheckConstraint(
                condition=Q(predicted__isnull=True) | Q(predicted__gte=0, predicted__lte=1),
                name="predicted_is_a_chance",
            ),
        ]
        indexes = [
            models.Index(fields=["learner", "study_day", "id"], name="log_by_day"),
            models.Index(fields=["learner", "batch"], name="log_batch", condition=Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state_id}#{self.sequence}"

    @cached_property
    def took_back_an_answer(self) -> bool:
        """Whether this undo leaves a card to be graded again: a spreading, a reset or a moved day doesn't."""
        answers = ReviewLog.objects.filter(state=self.state_id, grade__isnull=False)
        return self.batch is None and answers.filter(sequence=self.undoes or 0).exists()


class DayStat(models.Model):
    """What a learner did on one study day: the log's answers that still stand, counted.

    `tested` are first reviews of the day of a card that had an interval, `recalled` those passed; `mature_`
    the same for intervals from 21 days. `unbroken` was seen when the day began: whether each day since the
    last one with an answer held nothing to do.
    """

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    answers = models.PositiveIntegerField(default=0)
    tested = models.PositiveIntegerField(default=0)
    recalled = models.PositiveIntegerField(default=0)
    mature_tested = models.PositiveIntegerField(default=0)
    mature_recalled = models.PositiveIntegerField(default=0)
    unbroken = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "day"], name="one_row_per_study_day"),
            models.CheckConstraint(
                condition=Q(
                    recalled__lte=F("tested"),
                    mature_tested__lte=F("tested"),
                    mature_recalled__lte=F("mature_tested"),
                ),
                name="no_more_recalled_than_tested",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.learner_id} on {self.day}"


class Note(models.Model):
    """A learner's own words on a card, in Markdown, with the HTML rendered when it was saved."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notes")
    card = models.ForeignKey(Card, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(validators=LONG_TEXT)
    html = models.TextField(editable=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "card"], name="one_note_per_card")]

    def __str__(self) -> str:
        return f"note {self.learner_id}/{self.card_id}"
