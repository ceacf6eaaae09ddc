"""The benchmark's bookkeeping; what it measures is no test's business."""

import json
from pathlib import Path

import pytest

from tests.bench.grading import outline
from tests.bench.growth import projected
from tests.bench.report import BEGIN, END, KEPT, MISSED, SKIPPED, Row, faster, ratio, skipped, table, write
from tests.bench.timing import WARM_UP, Sample, in_turn


def test_a_budget_is_kept_up_to_its_very_value_and_missed_beyond():
    assert [Row("a", "ms", value, budget=12).verdict for value in (11, 12, 12.01)] == [KEPT, KEPT, MISSED]
    assert Row("a", "ms", 99).verdict == ""


def test_a_slow_tail_misses_a_budget_that_the_median_keeps():
    assert Row("a", "ms", 5, p95=101, budget=60, budget_p95=100).verdict == MISSED


def test_a_budget_from_below_is_kept_down_to_its_very_value_and_missed_under_it():
    verdicts = [Row("a", "x", value, at_least=20).verdict for value in (21, 20, 19.9)]
    assert verdicts == [KEPT, KEPT, MISSED]


def test_whoever_takes_a_tenth_of_a_rivals_time_is_ten_times_faster():
    row = faster("queue", Sample([1, 2, 4]), Sample([10, 20, 20]), "Anki", 10)
    assert (row.median, row.p95, row.verdict) == (10, 5, KEPT)
    assert "| 10 x faster than Anki | 5 x faster than Anki | ≥ 10 x faster than Anki | kept |" in table([row])


def test_what_could_not_be_measured_is_neither_kept_nor_missed():
    row = skipped("queue", "no rival here")
    assert row.verdict == SKIPPED
    assert table([row]).splitlines()[2:] == ["| queue |  |  |  | skipped | no rival here |"]


def test_of_a_hundred_values_the_95th_is_the_95th():
    assert Sample(range(100, 0, -1)).p95 == 95
    assert Sample(range(1_000)).percentile(99) == 989
    assert Sample([7]).p95 == 7


def test_a_ratio_holds_median_against_median_and_tail_against_tail():
    row = ratio("grade", Sample([2, 4, 9]), Sample([1, 2, 3]), "x hello", 2)
    assert (row.median, row.p95, row.verdict) == (2, 3, KEPT)


def test_the_table_has_a_line_for_each_row():
    row = Row("grade", "x", 9.876, 12.34, 12, seen="so")
    assert table([row]).splitlines()[2:] == ["| grade | 9.88 x | 12.3 x | 12 x | kept | so |"]


def test_the_page_keeps_its_words_and_other_tables_and_gets_the_new_one(tmp_path: Path):
    page, as_json = tmp_path / "page.md", tmp_path / "var" / "bench.json"
    one, other = (f"{BEGIN}\nold\n{END}".replace("{name}", name) for name in ("one", "other"))
    page.write_text(f"Before.\n{one}\nBetween.\n{other}\nAfter.\n")
    for _ in range(2):
        write([Row("grade", "x", 13, budget=12)], "2 cores.", "one", as_json, page)
    text = page.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith(f"\nBetween.\n{other}\nAfter.\n")
    assert text.count("old") == text.count("2 cores.") == text.count("| grade |") == 1
    assert json.loads(as_json.read_text())["rows"][0]["verdict"] == "MISSED"


def test_what_a_learner_takes_is_the_bytes_of_a_row_times_the_rows_of_a_learner():
    lines = projected([Row("review state, on disk", "bytes", 288.4)]).splitlines()
    assert lines[2] == "| review state | 288 | 100 | 288 MB | 28.8 GB | 2.88 TB |"
    assert lines[3] == "| all of it |  |  | 288 MB | 28.8 GB | 2.88 TB |"
    assert projected([Row("hello", "ms", 1)]) == ""


def test_rivals_take_turns():
    turns: list[str] = []
    in_turn(lambda: turns.append("a"), lambda: turns.append("b"), rounds=3)
    assert turns[2 * WARM_UP :] == ["a", "b"] * 3


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ('SELECT (SELECT "x" FROM "flashcards_card" WHERE (1)) AS "n" FROM "accounts_user"', "SELECT user"),
        ('SELECT "flashcards_card"."id" FROM "flashcards_card" WHERE 1 FOR UPDATE', "SELECT card"),
        ('INSERT INTO "flashcards_reviewlog" ("a") VALUES (1)', "INSERT reviewlog"),
        ('UPDATE "flashcards_reviewstate" SET "a" = 1', "UPDATE reviewstate"),
    ],
)
def test_a_statement_is_named_by_its_verb_and_its_outermost_table(sql: str, said: str):
    assert outline(sql) == said
