"""Fills the new columns from the log: what FSRS remembers, what it foresaw, and each study day's counts."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

from django.db import migrations

from flashcards.scheduling import memory

ANSWERS = {"review", "drill", "practice"}
CHUNK = 500
Days = defaultdict[tuple[int, date], Counter[str]]


def remembered(rows: list[Any]) -> tuple[memory.Memory | None, list[Any]]:
    """Fold a card's rows to its memory, setting `predicted` and `for_retention` on each as it was given."""
    held: memory.Memory | None = None
    standing: list[tuple[int, memory.Memory | None]] = []
    undone = set[int]()
    tested = defaultdict[date, list[int]](list)
    for row in rows:
        if row.kind == "undo":
            sequence, held = standing.pop()
            undone.add(sequence)
            continue
        standing.append((row.sequence, held))
        if row.kind in ANSWERS:
            row.predicted = memory.prediction(held, row.study_day)
            held = memory.after(held, row.grade, row.study_day)
        elif row.kind == "reset":
            held = None
        elif row.kind == "import":
            held = memory.assumed(row.interval, row.due_on - timedelta(days=row.interval))
        if row.kind == "review" and row.interval_before:
            before = tested[row.study_day]
            row.for_retention = undone.issuperset(before)
            before.append(row.sequence)
    return held, [row for row in rows if row.kind in ANSWERS and row.sequence not in undone]


def count(days: Days, rows: list[Any]) -> None:
    """Add a card's standing answers to its learner's study days."""
    for row in rows:
        columns = days[row.learner_id, row.study_day]
        recalled, mature = row.grade >= 3, row.interval_before >= 21
        columns.update(["answers"])
        columns.update(["tested"] * row.for_retention)
        columns.update(["recalled"] * (row.for_retention and recalled))
        columns.update(["mature_tested"] * (row.for_retention and mature))
        columns.update(["mature_recalled"] * (row.for_retention and mature and recalled))


def fill(apps: Any, schema_editor: Any) -> None:
    state_model = apps.get_model("flashcards", "ReviewState")
    log_model = apps.get_model("flashcards", "ReviewLog")
    days, last = Days(Counter), 0
    while states := list(state_model.objects.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = states[-1].pk
        logs = defaultdict[int, list[Any]](list)
        for row in log_model.objects.filter(state__in=states).order_by("sequence"):
            logs[row.state_id].append(row)
        for state in states:
            held, standing = remembered(logs[state.pk])
            state.stability, state.difficulty, state.remembered_on = held or (None, None, None)
            count(days, standing)
        state_model.objects.bulk_update(states, ["stability", "difficulty", "remembered_on"])
        rows = [row for card in logs.values() for row in card]
        log_model.objects.bulk_update(rows, ["predicted", "for_retention"], batch_size=CHUNK)
    day_model = apps.get_model("flashcards", "DayStat")
    day_model.objects.bulk_create(
        (
            day_model(learner_id=who, day=day, unbroken=(who, day - timedelta(days=1)) in days, **columns)
            for (who, day), columns in days.items()
        ),
        batch_size=CHUNK,
    )


class Migration(migrations.Migration):
    dependencies = [("flashcards", "0002_dashboard")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
