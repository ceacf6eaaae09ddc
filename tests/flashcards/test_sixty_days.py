"""Sixty days of study through the forms alone, then every due date worked out again from the export."""

import json
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from flashcards.models import Card
from tests.flashcards.test_review_page import form_on, press
from tests.making import at, learner
from tests.visiting import client_of

DAYS = 60


@pytest.mark.django_db
def test_every_due_date_of_sixty_days_follows_from_the_exported_log(time_machine):
    call_command("seed", verbosity=0)
    client, chance = client_of(learner(new_cards_per_day=5)), Random(60)
    for number in range(1, DAYS + 1):
        time_machine.move_to(at(number, chance.randrange(5, 24)), tick=False)
        study_until_done(client, chance)
    cards = json.loads(b"".join(client.get("/settings/export/")))["cards"]
    assert len(cards) == Card.objects.count()
    for card in cards:
        assert card["state"]["due_on"] == str(recomputed(card["log"])), card["key"]


def study_until_done(client: Client, chance: Random) -> None:
    while (page := client.get("/review/")).status_code == 200:
        assert press(client, form_on(page, "/grade/"), chance.choice([2, 3, 4, 4, 4, 5])).status_code == 303


def recomputed(log: list[dict[str, Any]]) -> date:
    """Work out the due day by the rules as the help page tells them, sharing no code with the app."""
    passes, factor, interval, due = 0, 250, 0, date.min
    for event in log:
        day = date.fromisoformat(event["study_day"])
        if event["kind"] == "drill":
            assert due == day + timedelta(days=interval)  # a repeat on the same day moves nothing
            continue
        assert event["kind"] == "review"
        assert due in (date.min, day) or due < day
        if event["grade"] < 3:
            passes, interval = 0, 1
        else:
            passes += 1
            interval = (1, 6)[passes - 1] if passes <= 2 else -(-interval * factor // 100)
            factor = max(130, factor + {3: -14, 4: 0, 5: 10}[event["grade"]])
        due = day + timedelta(days=interval)
    return due
