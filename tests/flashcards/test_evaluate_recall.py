"""The command that scores a log from elsewhere: its figures by hand, and an answer to every broken file.

No test here may touch the database, and pytest-django sees to it.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from io import StringIO
from math import log
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

HEADER = "card_id,review_rating,review_time"
FIRST = datetime.fromisoformat("2026-01-01T17:00:00+00:00")


def evaluated(path: Path, *options: str) -> list[str]:
    out = StringIO()
    call_command("evaluate_recall", str(path), *options, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def saved(tmp_path):
    """A function that saves lines, header apart, as a file."""

    def save(*lines: str, header: str = HEADER, name: str = "log.csv") -> Path:
        path: Path = tmp_path / name
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return path

    return save


def row(card: object, rating: object, days: float, *more: object) -> str:
    return ",".join(map(str, (card, rating, (FIRST + timedelta(days=days)).isoformat(), *more)))


def milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def once_learnt(ratings: str) -> list[str]:
    """Return, for each rating, a card that was Good and got this rating the day after; a minute apart."""
    lines = []
    for card, rating in enumerate(ratings):
        lines += [row(card, 3, card / 1440), row(card, rating, 1 + card / 1440)]
    return lines


def test_the_table_holds_what_can_be_computed_by_hand(saved):
    p = (1 + (0.9 ** (-1 / 0.1542) - 1) / 2.3065) ** -0.1542  # FSRS-6, one day after a first Good
    half = [(-log(p) - log(1 - p)) / 2, ((1 - p) ** 2 + p**2) / 2]
    by_interval = [(-log(0.9) - log(0.1)) / 2, (0.01 + 0.81) / 2]
    lines = evaluated(saved(*once_learnt("3311" * 6)))
    assert lines[0] == "48 answers on 24 cards, 24 of them scored."
    assert [line.split() for line in lines[3:7]] == [
        "model log loss Brier n scored".split(),
        ["FSRS-6", "default", *(f"{error:.4f}" for error in half), "20"],
        ["past", "mean", "0.6931", "0.2500", "20"],
        ["SM-2", "as", "0.9^(t/I)", *(f"{error:.4f}" for error in by_interval), "20"],
    ]


def test_the_calibration_names_each_band_with_its_interval(saved):
    lines = evaluated(saved(*once_learnt("3331" * 25)))
    assert lines[8] == "Calibration of FSRS-6 on all that are scored:"
    assert lines[9].split() == "predicted n mean recalled actual 95% interval mean inside".split()
    assert lines[-1].split() == "90–95% 100 94.7% 75 75.0% 65.7–82.5% no".split()


@pytest.mark.parametrize(("rating", "recalled"), [("1", "0"), ("2", "24"), ("3", "24"), ("4", "24")])
def test_again_is_missed_and_the_rest_recalled(saved, rating, recalled):
    assert evaluated(saved(*once_learnt(rating * 24)))[-1].split()[3] == recalled


def test_the_order_of_the_lines_and_further_columns_make_no_difference(saved):
    lines = once_learnt("3341" * 6)
    plain = evaluated(saved(*lines))
    assert evaluated(saved(*reversed(lines))) == plain
    more = [f"{line},2500,x" for line in lines]
    assert evaluated(saved(*more, header=HEADER + ",review_duration,why")) == plain


def test_times_may_be_milliseconds_and_the_file_may_begin_with_a_byte_order_mark(saved):
    lines = once_learnt("3341" * 6)
    plain = evaluated(saved(*lines))
    cells = [line.split(",") for line in lines]
    in_ms = [f"{card},{rating},{milliseconds(at)}" for card, rating, at in cells]
    assert evaluated(saved(*in_ms, header="\ufeff" + HEADER)) == plain
    zulu = [line.replace("+00:00", "Z") for line in lines]
    assert evaluated(saved(*zulu)) == plain


@pytest.mark.parametrize(
    ("options", "scored"),
    [
        ([], 1),  # 03:30 and 04:30 in UTC-5, on either side of the rollover
        (["--zone", "UTC"], 0),
        (["--rollover", "3"], 0),
        (["--rollover", "5"], 0),
        (["--zone", "UTC", "--rollover", "9"], 1),
    ],
)
def test_the_study_day_follows_zone_and_rollover(saved, options, scored):
    path = saved("a,3,2026-01-02T08:30:00+00:00", "a,3,2026-01-02T09:30:00+00:00")
    assert evaluated(path, *options)[0] == f"2 answers on 1 cards, {scored} of them scored."


def test_below_twenty_scored_answers_no_error_is_shown(saved):
    assert evaluated(saved(*once_learnt("3" * 19))) == [
        "38 answers on 19 cards, 19 of them scored.",
        "That’s not enough evidence yet: it takes 20 scored answers.",
    ]
    assert len(evaluated(saved(*once_learnt("3" * 20)))) > 2
    assert evaluated(saved())[0] == "0 answers on 0 cards, 0 of them scored."


# Broken files


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,0,2026-01-02T08:30:00Z", "review_rating is “0”. Give 1 "),
        ("a,5,2026-01-02T08:30:00Z", "review_rating is “5”. Give 1 "),
        ("a,3.0,2026-01-02T08:30:00Z", "review_rating is “3.0”. Give 1 "),
        ("a,,2026-01-02T08:30:00Z", "review_rating is “”. Give 1 "),
        ("a", "review_rating is “”. Give 1 "),
        (",3,2026-01-02T08:30:00Z", "card_id is empty. Give "),
        ("a,3", "review_time “” isn’t a time. Give ISO 8601"),
        ("a,3,yesterday", "review_time “yesterday” isn’t a time. Give ISO 8601"),
        ("a,3,2026-13-02T08:30:00Z", "review_time “2026-13-02T08:30:00Z” isn’t a time. Give ISO 8601"),
        ("a,3,2026-01-02T08:30:00", "review_time “2026-01-02T08:30:00” has no offset. Give ISO 8601"),
        ("a,3,1711684180", "review_time “1711684180” is in the year 1970. Give ISO 8601"),
        ("a,3,9999-12-31T23:59:59Z", "review_time “9999-12-31T23:59:59Z” is in the year 9999. Give ISO 8601"),
        ("a,3,²", "review_time “²” isn’t a time. Give ISO 8601"),
        ("a,3," + "9" * 30, "isn’t a time. Give ISO 8601"),
        ("a,3," + "9" * 5_000, "isn’t a time. Give ISO 8601"),
    ],
)
def test_a_bad_line_is_named_with_what_to_do(saved, line, message):
    path = saved(row("a", 3, 1), "", line, row("a", 3, 2))
    with pytest.raises(CommandError) as refused:
        evaluated(path)
    assert str(refused.value).startswith("Line 4: ")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("card,review_rating,review_time", "card_id"),
        ("card_id,review_duration", "review_rating, review_time"),
        ("card_id;review_rating;review_time", "card_id, review_rating, review_time"),
        ("", "card_id, review_rating, review_time"),
    ],
)
def test_a_missing_column_is_named_with_those_that_are_needed(saved, header, missing):
    with pytest.raises(CommandError) as refused:
        evaluated(saved(row("a", 3, 1), header=header))
    assert str(refused.value) == f"No column {missing}. The first line must hold at least: {HEADER}"


def test_an_empty_file_lacks_all_columns(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(CommandError, match="No column card_id, review_rating, review_time"):
        evaluated(path)


def test_a_file_that_is_not_there_or_no_file_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"nothing\.csv can’t be read: No such file or directory"):
        evaluated(tmp_path / "nothing.csv")
    with pytest.raises(CommandError, match="can’t be read: Is a directory"):
        evaluated(tmp_path)


def test_what_is_not_text_or_not_csv_is_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(HEADER.encode() + b"\nK\xf6ln,3,2026-01-02T08:30:00Z\n")
    with pytest.raises(CommandError, match="isn’t UTF-8 text"):
        evaluated(path)
    path.write_text(HEADER + "\n" + "a" * 200_000 + ",3,2026-01-02T08:30:00Z\n")
    with pytest.raises(CommandError, match="isn’t CSV: field larger than field limit"):
        evaluated(path)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "America", "localtime"])
def test_a_zone_that_does_not_exist_is_refused(saved, zone):
    with pytest.raises(CommandError, match="isn’t a time zone"):
        evaluated(saved(), "--zone", zone)


@pytest.mark.parametrize("hour", ["24", "-1"])
def test_an_hour_that_does_not_exist_is_refused(saved, hour):
    with pytest.raises(CommandError, match="from 0 to 23"):
        evaluated(saved(), f"--rollover={hour}")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("broken") / "log.csv"


CELLS = st.one_of(
    st.sampled_from(
        ["1", "3", "2026-01-02T08:30:00Z", "1711684180217", '"', "0001-01-01T00:00:00-23:59", ""]
    ),
    st.text(max_size=20),
)


@given(lines=st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=6), tail=st.binary(max_size=8))
def test_no_file_however_broken_ends_in_a_stack_trace(scratch, lines, tail):
    scratch.write_bytes("\n".join([HEADER, *lines, ""]).encode(errors="surrogatepass") + tail)
    with suppress(CommandError):
        assert evaluated(scratch)
