"""Bugs that somebody could make, each with a test that has to notice it."""

from dataclasses import dataclass
from typing import Final, Literal

Vendor = Literal["SQLite", "PostgreSQL"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A text in a file that stands there once, and what takes its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Bug:
    """What is wrong then, how it gets there, and the test that turns red on this database."""

    what: str
    edits: tuple[Edit, ...]
    test: str
    on: Vendor = "SQLite"


RACES: Final = "tests/flashcards/test_concurrency.py"
MATRIX: Final = "tests/matrix/test_matrix.py"
COPIES: Final = f"{RACES}::test_fifty_copies_of_one_answer_are_one_review_and_fifty_equal_replies"
ANSWERS: Final = f"{RACES}::test_fifty_answers_to_one_showing_are_one_review_and_49_stale_ones"
READING: Final = f"{MATRIX}::test_everybody_gets_what_the_table_says_and_reading_changes_nothing"
NOTE: Final = '@require_http_methods(["GET", "HEAD", "POST"])\ndef note('
BATCHES: Final = "tests/flashcards/test_batches.py"
MOVING: Final = "tests/flashcards/test_moving.py"
ABOUT: Final = '    path("about/", pages.about, name="about"),\n'

BUGS: Final = (
    # Answers
    Bug(
        "transactions on SQLite take their lock late",
        (Edit("config/database_settings.py", '"IMMEDIATE"', '"DEFERRED"'),),
        COPIES,
    ),
    Bug(
        "the row of a card isn't locked",
        (Edit("flashcards/locking.py", "if connection.features.has_select_for_update", "if False"),),
        ANSWERS,
        "PostgreSQL",
    ),
    Bug(
        "the version of a card isn't compared",
        (Edit("flashcards/reviewing.py", "if state.version != answer.version:", "if False:"),),
        ANSWERS,
    ),
    Bug(
        "a submission may be stored twice",
        (
            Edit(
                "flashcards/migrations/0001_initial.py",
                'fields=("learner", "submission"), name="one_event_per_submission"',
                'fields=("learner", "submission", "id"), name="one_event_per_submission"',
            ),
        ),
        f"{RACES}::test_one_submission_for_two_cards_at_once_counts_for_one_of_them",
    ),
    Bug(
        "log and state are two transactions",
        (
            Edit(
                "flashcards/reviewing.py",
                "    try:\n        with transaction.atomic():\n            recording.answer_mails",
                "    try:\n        if True:\n            recording.answer_mails",
            ),
        ),
        ANSWERS,
    ),
    # Cards that are moved in portions
    Bug(
        "a changed plan goes on where the older one was",
        (
            Edit(
                "flashcards/planning.py",
                "learner.planned_up_to = 0\n",
                "learner.planned_up_to = learner.planned_up_to or 0\n",
            ),
        ),
        f"{MOVING}::test_a_plan_that_is_changed_between_portions_ends_as_the_newer_one",
    ),
    Bug(
        "a portion passes over the cards that the plan would move, and no others",
        (
            Edit(
                "flashcards/planning.py",
                "mine = _after(learner, after).order_by",
                "mine = _movable(learner).filter(card__gt=after).order_by",
            ),
        ),
        f"{MOVING}::test_an_answer_by_the_old_plan_that_ends_after_the_first_portion_is_planned",
        "PostgreSQL",
    ),
    Bug(
        "the undo of a batch takes back what was answered since",
        (Edit("flashcards/batches.py", "if any(past[number - 1]", "if not past and any(past[number - 1]"),),
        f"{BATCHES}::test_a_card_that_is_answered_while_the_spreading_is_undone_keeps_its_answer",
    ),
    # What is said
    Bug(
        "“not saved” is said whatever was committed",
        (Edit("config/failing.py", "UNSURE if saved is None or saved.perhaps(error) else SURE", "SURE"),),
        "tests/operations/test_failing.py::test_what_fails_after_its_commit_is_not_said_not_to_be_saved",
    ),
    Bug(
        "a commit without an answer is said to be lost",
        (Edit("config/failing.py", "(_at_commit(error) and not _refused(error))", "False"),),
        "tests/services/test_postgresql_away.py"
        "::test_a_commit_without_an_answer_is_not_said_to_be_lost_and_the_same_again_counts_once",
        "PostgreSQL",
    ),
    Bug(
        "a page needs room on the disk to be read",
        (Edit("accounts/sessions.py", "except (OperationalError, UpdateError):", "except UpdateError:"),),
        "tests/operations/test_full_disk.py::test_while_nothing_can_be_written_everything_can_be_read",
        "PostgreSQL",
    ),
    Bug(
        "a request waits for the database without end",
        (Edit("config/failing.py", "with patience.limited():", "with patience.limited(1e9):"),),
        "tests/services/test_postgresql_away.py"
        "::test_a_frozen_database_is_given_up_in_time_and_nothing_counts_twice_after_it_thaws",
        "PostgreSQL",
    ),
    # Who may do what
    Bug(
        "the interviews of others can be seen and changed",
        (
            Edit(
                "flashcards/interviews.py",
                "Interview.objects.filter(learner=learner).prefetch_related",
                "Interview.objects.prefetch_related",
            ),
        ),
        f"{MATRIX}::test_what_is_somebody_elses_looks_like_what_is_not_there",
    ),
    Bug(
        "a GET deletes",
        (
            Edit(
                "flashcards/views/notes.py",
                '    if request.method != "POST":\n',
                '    if request.method != "POST":\n        stored and stored.delete()\n',
            ),
        ),
        READING,
    ),
    Bug(
        "a form is taken without its token",
        (
            Edit(
                "flashcards/views/notes.py",
                NOTE,
                f"from django.views.decorators.csrf import csrf_exempt\n\n\n@csrf_exempt\n{NOTE}",
            ),
        ),
        f"{MATRIX}::test_no_form_is_taken_without_a_token_or_with_a_foreign_one",
    ),
    Bug(
        "a learner's page is open to visitors",
        (
            Edit(
                "flashcards/views/notes.py",
                NOTE,
                f"from django.contrib.auth import decorators\n\n\n@decorators.login_not_required\n{NOTE}",
            ),
        ),
        READING,
    ),
    Bug(
        "an address has no line in the matrix",
        (
            Edit(
                "flashcards/urls.py",
                ABOUT,
                f'{ABOUT}    path("extra/", pages.about, name="extra"),\n',
            ),
        ),
        f"{MATRIX}::test_every_address_has_an_entry_and_every_entry_an_address",
    ),
)
