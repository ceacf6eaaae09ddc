"""Works out a learner's figures from their export alone, by code that shares nothing with Engram's.

`python -m tests.independent.recomputed export.json 2026-03-31` prints them; a test compares them with
what the dashboard says. Only the model of memory is the same package, `fsrs`, used directly.
"""

import json
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import fsrs

Event = dict[str, Any]
MODEL = fsrs.Scheduler(enable_fuzzing=False)
RATINGS = {0: 1, 1: 1, 2: 1, 3: 2, 4: 3, 5: 4}
A_DAY = timedelta(days=1)


def figures(export: dict[str, Any], today: date) -> dict[str, Any]:
    """Return every figure that follows from an export on this study day."""
    kept = {card["key"]: standing(card["log"]) for card in export["cards"]}
    answers = [event for events in kept.values() for event in events if event["grade"] is not None]
    studied = Counter(on(event["study_day"]) for event in answers)
    tested = [event for events in kept.values() for event in firsts(events)]
    return {
        "answers": dict(studied),
        "streak": streak(export["days"], studied, today),
        "study days": (len(studied), (today - min(studied)).days + 1) if studied else (0, 0),
        "retention": rate(tested, since=today - 29 * A_DAY, until=today),
        "mature": rate(tested, since=today - 29 * A_DAY, until=today, shortest=21),
        "weeks": weeks(tested),
        "minutes per card": pace(answers, today),
        **readiness(export, kept, horizon(export, today)),
        **ahead(export, today),
    }


def on(text: str) -> date:
    """Return the day that this text says."""
    return date.fromisoformat(text)


def standing(log: list[Event]) -> list[Event]:
    """Return the events that were not undone, in order."""
    undone = {event["undoes"] for event in log if event["kind"] == "undo"}
    return [event for event in log if event["kind"] != "undo" and event["sequence"] not in undone]


def firsts(events: list[Event]) -> list[Event]:
    """Return each day's first review of the card while it had an interval."""
    first: dict[str, Event] = {}
    for event in events:
        if event["kind"] == "review" and event["interval_before"] >= 1:
            first.setdefault(event["study_day"], event)
    return list(first.values())


def rate(tested: list[Event], *, since: date, until: date, shortest: int = 1) -> tuple[int, int]:
    """Return how many were recalled of how many tested between two days."""
    inside = [e for e in tested if since <= on(e["study_day"]) <= until and e["interval_before"] >= shortest]
    return sum(event["grade"] > 2 for event in inside), len(inside)


def weeks(tested: list[Event]) -> dict[date, tuple[int, int]]:
    """Return recalled and tested by the week's Monday."""
    by_week: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for event in tested:
        day = on(event["study_day"])
        week = by_week[day - day.weekday() * A_DAY]
        week[0] += event["grade"] > 2
        week[1] += 1
    return {monday: (recalled, all_) for monday, (recalled, all_) in by_week.items()}


def streak(days: list[dict[str, Any]], studied: Counter[date], today: date) -> int:
    """Return the days in a row up to today or yesterday, over gaps that were seen to be free."""
    free = {on(row["day"]): row["unbroken"] for row in days}
    if not studied:
        return 0
    run, day = 0, max(studied)
    if day < today - A_DAY and not free.get(today, False):
        return 0
    while True:
        run += 1
        earlier = [other for other in studied if other < day]
        if not earlier or (max(earlier) != day - A_DAY and not free[day]):
            return run
        day = max(earlier)


def pace(answers: list[Event], today: date) -> float:
    """Return minutes per card: median seconds per answer, with repeats for what is missed."""
    recent = [e for e in answers if today - 29 * A_DAY <= on(e["study_day"]) <= today]
    recent = sorted(recent, key=lambda event: event["at"])[-1000:]
    timed = [
        min(60.0, (event["thinking_ms"] + event["reading_ms"]) / 1000)
        for event in recent
        if event["thinking_ms"] is not None and event["reading_ms"] is not None
    ]
    seconds = median(timed) if len(timed) >= 20 else 20.0
    missed = sum(event["grade"] < 3 for event in recent) / len(recent) if recent else 0.0
    return seconds * (1 + missed) / 60


def horizon(export: dict[str, Any], today: date) -> date:
    """Return the day that readiness is for."""
    coming = [on(interview["on"]) for interview in export["interviews"] if on(interview["on"]) >= today]
    return min(coming, default=today + 14 * A_DAY)


def memory(events: list[Event]) -> fsrs.Card | None:
    """Return what FSRS makes of a card's answers, None when it has none since it was last reset."""
    card = None
    for event in events:
        if event["kind"] == "reset":
            card = None
        elif event["grade"] is not None:
            when = datetime.fromisoformat(event["study_day"]).replace(hour=9, tzinfo=UTC)
            rating = fsrs.Rating(RATINGS[event["grade"]])
            card, _ = MODEL.review_card(card or fsrs.Card(card_id=1, due=when), rating, when)
    return card


def readiness(export: dict[str, Any], kept: dict[str, list[Event]], day: date) -> dict[str, Any]:
    """Return the expected number of recalled cards by topic, and the started cards by their recall."""
    noon = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    suspended = {card["key"] for card in export["cards"] if card["state"] and card["state"]["suspended"]}
    cards = Counter({topic["topic"]: topic["cards"] for topic in export["topics"]})
    cards.subtract(card["topic"] for card in export["cards"] if card["key"] in suspended)
    chances: dict[str, list[float]] = {topic: [] for topic in cards}
    weakest = []
    for card in export["cards"]:
        remembered = memory(kept[card["key"]])
        if remembered is not None and card["key"] not in suspended:
            chance = MODEL.get_card_retrievability(remembered, noon)
            chances[card["topic"]].append(chance)
            weakest.append((chance, -card["state"]["lapses"], card["key"]))
    every = [chance for topic in chances.values() for chance in topic]
    spread = 1.28 * sum(chance * (1 - chance) for chance in every) ** 0.5
    return {
        "ready": (sum(every), sum(cards.values()), spread),
        "topics": {topic: (sum(chances[topic]), cards[topic]) for topic in cards},
        "weakest": [key for _, _, key in sorted(weakest)],
    }


def ahead(export: dict[str, Any], today: date) -> dict[str, Any]:
    """Return how many active cards are late, and how many are due on each day from today on."""
    due = Counter(
        on(card["state"]["due_on"])
        for card in export["cards"]
        if card["state"] and card["state"]["due_on"] and not card["state"]["suspended"]
    )
    late = sum(count for day, count in due.items() if day < today)
    return {"late": late, "scheduled": {day: count for day, count in due.items() if day >= today}}


if __name__ == "__main__":
    found = figures(json.loads(Path(sys.argv[1]).read_text()), on(sys.argv[2]))
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in found.items()))
