"""How often things happened and how long they took, added up: what the operations page and monitors read."""

from django.db import models


class Tally(models.Model):
    """What every process together has counted of one thing in one span of time.

    A `request` is told by its view and status class, a `task` by its name and how it ended, an `error` by
    view and type, a slow `statement` by its shape and where it came from. `since` is when the span begins, in
    seconds since 1970, and 0 for one that never ends. The `up_to_` columns count what took at most so many
    milliseconds, longer than the column before; `milliseconds` is their sum.
    """

    class Span(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"
        EVER = "ever"

    class Kind(models.TextChoices):
        REQUEST = "request"
        TASK = "task"
        ERROR = "error"
        STATEMENT = "statement"

    span = models.CharField(max_length=6, choices=Span)
    since = models.BigIntegerField()
    kind = models.CharField(max_length=9, choices=Kind)
    name = models.CharField(max_length=400)
    outcome = models.CharField(max_length=100, blank=True)
    count = models.BigIntegerField()
    milliseconds = models.BigIntegerField()
    longest = models.BigIntegerField()
    up_to_10 = models.BigIntegerField()
    up_to_25 = models.BigIntegerField()
    up_to_50 = models.BigIntegerField()
    up_to_100 = models.BigIntegerField()
    up_to_250 = models.BigIntegerField()
    up_to_500 = models.BigIntegerField()
    up_to_1000 = models.BigIntegerField()
    up_to_2500 = models.BigIntegerField()
    up_to_10000 = models.BigIntegerField()

    class Meta:
        constraints = [
            # Led by the span and its beginning, by which rows are read and cleared.
            models.UniqueConstraint(
                fields=["span", "since", "kind", "name", "outcome"], name="one_tally_per_span"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.outcome}: {self.count}"
