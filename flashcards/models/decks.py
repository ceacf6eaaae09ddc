"""Decks, topics and cards: mapping and constraints."""

from typing import Any

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q

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
    """A chapter of a deck.

    `card_count` is the number of its cards that aren't retired, None where nobody has counted: see
    topic_counts.py.
    """

    deck = models.ForeignKey(Deck, on_delete=models.CASCADE, related_name="topics")
    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField()
    card_count = models.PositiveIntegerField(null=True, editable=False, serialize=False)

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
    `deck_number` repeats the id of the topic's deck: an index can put all cards in deck order by it.
    """

    class Level(models.TextChoices):
        FRESHER = "fresher", "Fresher"
        MID = "mid", "Mid-level"
        SENIOR = "senior", "Senior"

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="cards")
    key = models.SlugField(max_length=80, unique=True)
    position = models.PositiveIntegerField(help_text="The place in the deck.")
    deck_number = models.PositiveBigIntegerField(default=0, editable=False)
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
        ordering = ["deck_number", "position"]
        indexes = [
            models.Index(
                fields=["deck_number", "position", "id"],
                name="card_in_deck_order",
                condition=Q(retired=False),
            ),
            models.Index(fields=["retired", "topic"], name="card_by_topic"),  # to count them, reading no text
        ]

    def __str__(self) -> str:
        return self.question

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the card with its deck's number."""
        self.deck_number = self.topic.deck_id
        super().save(*args, **kwargs)

    def natural_key(self) -> tuple[str]:
        """Return what names this card in a fixture."""
        return (self.key,)
