"""Decks and cards, each learner's review state and the log it is folded from: mapping and constraints."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q

from flashcards.scheduling import sm2
from flashcards.scheduling.schedule import Kind

LONG_TEXT = [MaxLengthValidator(50_000)]


class KeyManager(models.Manager[Any]):
    """Finds a deck, topic or card by the key that fixtures use."""

    def get_by_natural_key(self, key: str) -> Any:
        """Return the row with this key."""
        return self.get(key=key)


class Deck(models.Model):
    """A set of topics that is learnt in order."""

    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)

    objects = KeyManager()

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """Return what names this deck in a fixture."""
        return (self.key,)


class Topic(models.Model):
    """A chapter of a deck."""

    deck = models.ForeignKey(Deck, on_delete=models.CASCADE, related_name="topics")
    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField()

    objects = KeyManager()

    class Meta:
        ordering = ["deck_id", "position"]
        constraints = [models.UniqueConstraint(fields=["deck", "position"], name="topic_place")]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """Return what names this topic in a fixture."""
        return (self.key,)


class Card(models.Model):
    """A question with its answer. Its key is its identity: the texts may change, the schedules stay.

    `answer` and `practice` are Markdown, `formula` is LaTeX; `key_points` is a list of {text, must},
    `follow_ups` a list of {question, answer}. `html` holds the rendered fields (see cards.py), empty
    until they are rendered. A retired card left its fixture: it is shown no more, its log is kept.
    """

    class Level(models.TextChoices):
        FRESHER = "fresher", "Fresher"
        MID = "mid", "Mid-level"
        SENIOR = "senior", "Senior"

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="cards")
    key = models.SlugField(max_length=80, unique=True)
    position = models.PositiveIntegerField(help_text="The place in the deck.")
    question = models.CharField(max_length=500)
    answer = models.TextField(validators=LONG_TEXT)
    formula = models.CharField(max_length=1000, blank=True)
    formula_note = models.CharField(max_length=500, blank=True)
    practice = models.TextField("in practice", blank=True, validators=LONG_TEXT)
    key_points = models.JSONField(default=list, blank=True)
    follow_ups = models.JSONField(default=list, blank=True)
    level = models.CharField(max_length=7, choices=Level, default=Level.MID)
    retired = models.BooleanField(default=False)
    html = models.JSONField(default=dict, blank=True, editable=False)

    objects = KeyManager()

    class Meta:
        ordering = ["topic__deck_id", "position"]
        indexes = [models.Index(fields=["position"], name="card_in_order", condition=Q(retired=False))]

    def __str__(self) -> str:
        return self.question

    def natural_key(self) -> tuple[str]:
        """Return what names this card in a fixture."""
        return (self.key,)


class ReviewState(models.Model):
    """One learner's schedule for one card: the log folded, plus the two reversible pauses.

    A card without a row is new, and so is one with `due_on` empty (reset, undone, or paused before its
    first answer). `ease` is in hundredths, `interval` in days; all dates are study days. `version`
    counts the events so far; `shuffle` orders the cards inside a due day.
    """

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="states")
    card = models.ForeignKey(Card, on_delete=models.CASCADE, related_name="states")
    repetitions = models.PositiveIntegerField(default=sm2.NEW.repetitions)
    ease = models.PositiveIntegerField(default=sm2.NEW.ease)
    interval = models.PositiveIntegerField(default=sm2.NEW.interval)
    drill = models.BooleanField(default=sm2.NEW.drill)
    due_on = models.DateField(null=True, blank=True)
    introduced_on = models.DateField(null=True, blank=True)
    last_reviewed_on = models.DateField(null=True, blank=True)
    last_answered_at = models.DateTimeField(null=True, blank=True)
    lapses = models.PositiveIntegerField(default=0)
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
        ]
        indexes = [
            models.Index(
                fields=["learner", "due_on", "shuffle"],
                name="state_queue",
                condition=Q(suspended=False, due_on__isnull=False),
            ),
            models.Index(fields=["learner", "last_reviewed_on"], name="state_today"),
        ]

    def __str__(self) -> str:
        return f"{self.learner_id}/{self.card_id} v{self.version}"


class ReviewLog(models.Model):
    """One event in a card's history. Rows are only ever added; `sequence` orders them, not the clock.

    The columns from `repetitions` to `lapses` are the state after the event; `interval_before` is in
    days. Times are in milliseconds, empty where the browser didn't measure them.
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
            models.CheckConstraint(condition=Q(grade__isnull=True) | Q(grade__lte=5), name="grade_0_to_5"),
            models.CheckConstraint(
                condition=Q(kind__in=["review", "drill", "practice"], grade__isnull=False)
                | Q(kind__in=["undo", "reset", "set_due", "import"], grade__isnull=True),
                name="answers_have_a_grade",
            ),
            models.CheckConstraint(
                condition=Q(kind="undo", undoes__isnull=False, undoes__lt=F("sequence"))
                | (~Q(kind="undo") & Q(undoes__isnull=True)),
                name="undo_names_an_earlier_event",
            ),
        ]
        indexes = [models.Index(fields=["learner", "study_day", "id"], name="log_by_day")]

    def __str__(self) -> str:
        return f"{self.kind} {self.state_id}#{self.sequence}"


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
