"""Sessions know their learner in a column; those that are alive come along, so that nobody is signed out."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models
from django.db.models.functions import Now

CHUNK = 1_000


def take_along(apps: Any, schema_editor: Any) -> None:
    """Copy the sessions; what a secret of today can't read has been over since the secret changed."""
    old, new = apps.get_model("sessions", "Session"), apps.get_model("accounts", "Session")
    read = SessionStore().decode
    rows = old.objects.filter(expire_date__gt=Now()).values("session_key", "session_data", "expire_date")
    kept = []
    for row in rows.iterator(CHUNK):
        if data := read(row["session_data"]):
            kept.append(new(learner_id=data.get(SESSION_KEY), **row))
        if len(kept) == CHUNK:
            new.objects.bulk_create(kept)
            kept.clear()
    new.objects.bulk_create(kept)
    old.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_events"), ("sessions", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(
                        max_length=40, primary_key=True, serialize=False, verbose_name="session key"
                    ),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                (
                    "learner",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "session", "verbose_name_plural": "sessions", "abstract": False},
        ),
        migrations.RunPython(take_along, migrations.RunPython.noop),
    ]
