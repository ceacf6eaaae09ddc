"""Topics know how many cards they have, so that a forecast for very many needn't count them."""

from typing import Any

from django.db import migrations, models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce


def count(apps: Any, schema_editor: Any) -> None:
    """Count each topic's cards, without those that are retired."""
    cards = apps.get_model("flashcards", "Card").objects.filter(topic=OuterRef("pk"), retired=False)
    number = cards.order_by().values("topic").annotate(number=Count("pk")).values("number")
    apps.get_model("flashcards", "Topic").objects.update(card_count=Coalesce(Subquery(number), 0))


class Migration(migrations.Migration):
    dependencies = [("flashcards", "0007_card_by_topic")]

    operations = [
        migrations.AddField(
            model_name="topic",
            name="card_count",
            field=models.PositiveIntegerField(editable=False, null=True, serialize=False),
        ),
        migrations.RunPython(count, migrations.RunPython.noop, elidable=True),
    ]
