"""Cards can be counted by topic without reading their texts, however many there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("flashcards", "0006_frontier")]

    operations = [
        migrations.AddIndex(
            model_name="card",
            index=models.Index(fields=["retired", "topic"], name="card_by_topic"),
        ),
    ]
