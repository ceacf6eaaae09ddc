"""Cards know their deck's number, for an index in deck order; learners get a place up to which they have come."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def number(apps: Any, schema_editor: Any) -> None:
    """Give each card the number of its topic's deck."""
    deck = apps.get_model("flashcards", "Topic").objects.filter(pk=OuterRef("topic")).values("deck_id")
    apps.get_model("flashcards", "Card").objects.update(deck_number=Subquery(deck))


class Migration(migrations.Migration):
    dependencies = [
        ("flashcards", "0005_tallies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Frontier",
            fields=[
                (
                    "learner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="frontier",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("deck_number", models.PositiveBigIntegerField(default=0)),
                ("position", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.AlterModelOptions(name="card", options={"ordering": ["deck_number", "position"]}),
        migrations.RemoveIndex(model_name="card", name="card_in_order"),
        migrations.AddField(
            model_name="card",
            name="deck_number",
            field=models.PositiveBigIntegerField(default=0, editable=False),
        ),
        migrations.RunPython(number, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="card",
            index=models.Index(
                condition=models.Q(retired=False),
                fields=["deck_number", "position", "id"],
                name="card_in_deck_order",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewstate",
            index=models.Index(
                condition=models.Q(due_on__isnull=True), fields=["learner"], name="state_new"
            ),
        ),
    ]
