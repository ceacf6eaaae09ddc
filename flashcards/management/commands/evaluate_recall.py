import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand, CommandError

from accounts import time_zones
from flashcards.scheduling import evaluation
from flashcards.scheduling.days import study_day
from flashcards.scheduling.evaluation import Answer, Band, Comparison, Scored

COLUMNS = ("card_id", "review_rating", "review_time")
GRADES = {"1": 2, "2": 3, "3": 4, "4": 5}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = range(1987, 2100)  # SM-2 first ran in 1987; seconds taken for milliseconds come out in 1970
TIME_REMEDY = "Give ISO 8601 with its offset, as 2024-03-29T20:32:32+00:00, or milliseconds since 1970."


class Row(NamedTuple):
    """One line of the file."""

    card: str
    grade: int
    at: datetime


class Command(BaseCommand):
    """Reads a file and prints; the database is never asked. docs/forecast.md has the protocol."""

    help = (
        "Score predicted recall on a CSV file with the columns card_id, review_rating (1 to 4) and "
        "review_time (ISO 8601 with its offset, or milliseconds since 1970). Other columns are ignored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="the CSV file")
        parser.add_argument("--zone", default="Etc/GMT+5", help="IANA time zone (default: Etc/GMT+5, UTC-5)")
        parser.add_argument("--rollover", type=int, default=4, help="hour the study day begins (default: 4)")

    def handle(self, *args: Any, **options: Any) -> None:
        answers = _answers(options["path"], options["zone"], options["rollover"])
        scored = list(evaluation.replayed(answers))
        cards = len({answer.card for answer in answers})
        self.stdout.write(f"{len(answers):,} answers on {cards:,} cards, {len(scored):,} of them scored.")
        if len(scored) < evaluation.ENOUGH:
            self.stdout.write(f"That’s not enough evidence yet: it takes {evaluation.ENOUGH} scored answers.")
            return
        for line in _report(scored):
            self.stdout.write(line)


def _answers(path: Path, zone: str, rollover: int) -> list[Answer]:
    if zone not in time_zones.known():
        raise CommandError(f"--zone {zone} isn’t a time zone. Give an IANA name, as Europe/Berlin.")
    if rollover not in range(24):
        raise CommandError("Give --rollover an hour from 0 to 23.")
    rows = sorted(_rows(path), key=lambda row: row.at)
    return [Answer(row.card, row.grade, study_day(row.at, zone, rollover)) for row in rows]


def _rows(path: Path) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _parsed(csv.DictReader(file))
    except OSError as error:
        raise CommandError(f"{path} can’t be read: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} isn’t UTF-8 text. Save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise CommandError(f"{path} isn’t CSV: {error}. Save it as CSV in UTF-8.") from error


def _parsed(reader: "csv.DictReader[str]") -> Iterator[Row]:
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        names = ",".join(COLUMNS)
        raise CommandError(f"No column {', '.join(missing)}. The first line must hold at least: {names}")
    for fields in reader:
        card, rating, time = ((fields[column] or "").strip() for column in COLUMNS)
        try:
            yield _row(card, rating, time)
        except ValueError as error:
            raise CommandError(f"Line {reader.line_num}: {error}") from error


def _row(card: str, rating: str, time: str) -> Row:
    if not card:
        raise ValueError("card_id is empty. Give each answer the name or number of its card.")
    if rating not in GRADES:
        raise ValueError(f"review_rating is “{rating}”. Give 1 (Again), 2 (Hard), 3 (Good) or 4 (Easy).")
    return Row(card, GRADES[rating], _instant(time))


def _instant(text: str) -> datetime:
    try:
        at = EPOCH + timedelta(milliseconds=int(text)) if text.isdigit() else datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"review_time “{text}” isn’t a time. {TIME_REMEDY}") from error
    if at.tzinfo is None:
        raise ValueError(f"review_time “{text}” has no offset. {TIME_REMEDY}")
    if at.year not in YEARS:
        raise ValueError(f"review_time “{text}” is in the year {at.year}. {TIME_REMEDY}")
    return at


def _report(scored: list[Scored]) -> Iterator[str]:
    yield "\nThe last five sixths in five folds by time, mean of the folds:"
    yield f"{'model':<18}{'log loss':>10}{'Brier':>10}{'n scored':>10}"
    yield from map(_model_line, evaluation.compare(scored))
    yield "\nCalibration of FSRS-6 on all that are scored:"
    yield f"{'predicted':<10}{'n':>7}{'mean':>9}{'recalled':>10}{'actual':>9}   95% interval   mean inside"
    yield from map(_band_line, evaluation.bands((row.fsrs, row.recalled) for row in scored))


def _model_line(result: Comparison) -> str:
    return f"{result.model:<18}{result.log_loss:>10.4f}{result.brier:>10.4f}{result.n:>10,}"


def _band_line(band: Band) -> str:
    rates = f"{band.n:>7,}{band.predicted:>9.1%}{band.recalled:>10,}{band.actual:>9.1%}"
    low, high = band.interval
    interval = f"{100 * low:.1f}–{high:.1%}"
    inside = "yes" if band.calibrated else "no"
    return f"{f'{100 * band.low:.0f}–{band.high:.0%}':<10}{rates}   {interval:<15}{inside}"
