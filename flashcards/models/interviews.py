"""The interviews a learner prepares for, and how much each topic counts in them."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from flashcards.models.decks import Topic

MOST_WEIGHT = 3


class Interview(models.Model):
    """An interview on a day; the nearest one from today on leads the plan and the readiness."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="interviews")
    company = models.CharField(max_length=120)
    role = models.CharField(max_length=120, blank=True)
    on = models.DateField("date")

    class Meta:
        indexes = [models.Index(fields=["learner", "on"], name="interview_by_day")]

    def __str__(self) -> str:
        return f"{self.company} on {self.on}"


class InterviewTopic(models.Model):
    """How much a topic counts in an interview: 0 not at all, 1 as usual, 2 and 3 that many times.

    A topic without a row counts as usual.
    """

    interview = models.ForeignKey(Interview, on_delete=models.CASCADE, related_name="weights")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="weights")
    weight = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(MOST_WEIGHT)])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["interview", "topic"], name="one_weight_per_topic"),
            models.CheckConstraint(condition=Q(weight__lte=MOST_WEIGHT), name="weight_0_to_3"),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id} x {self.weight}"
