"""What whoever runs Engram is told about mails: the staff page, the command, and the mails in the admin."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from flashcards.models import Heartbeat, Reminder
from flashcards.reminders import watching
from flashcards.reminders.watching import Reason
from tests import making
from tests.accounts.people import proven
from tests.visiting import cells_of, client_of, html_of, statements, words_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON = 24  # as a half hour
PAGE = "/staff/reminders/"
SECOND, MINUTE, A_DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def mail(state: str = "due", *, half_hour: int = NOON, zone: str = "UTC", **columns: Any) -> Reminder:
    """Return a saved mail of a new learner; it may leave at once."""
    learner = making.learner(remind_at=half_hour, time_zone=zone)
    defaults: dict[str, Any] = {
        "kind": "daily",
        "intended_on": TODAY,
        "message_id": f"<daily-{learner.pk}@engram.example>",
        "expires_at": NOW + A_DAY,
        "next_try_at": NOW,
    }
    if state == "sent":
        defaults["sent_at"] = NOW
    if state == "sending":
        defaults["lease_until"] = NOW + MINUTE
    return Reminder.objects.create(learner=learner, state=state, **(defaults | columns))


def late() -> tuple[int, timedelta | None]:
    status = watching.status(NOW)
    return status.late, status.oldest


# How many


def test_each_state_is_counted_for_yesterday_and_later_only():
    for state in ("due", "sending", "sent", "sent", "skipped", "refused"):
        mail(state)
    mail("sent", intended_on=TODAY - A_DAY)
    mail("sent", intended_on=TODAY + A_DAY)
    mail("sent", intended_on=TODAY - 2 * A_DAY)
    expected = {"due": 1, "sending": 1, "sent": 4, "skipped": 1, "refused": 1}
    assert watching.status(NOW).states == expected


def test_reasons_are_grouped_and_those_that_came_too_late_are_one_group():
    for reason in ("turned off", "turned off", "too late", "too late: 421 closing", "too late: 451 later"):
        mail("skipped", reason=reason)
    assert watching.status(NOW).skipped == [
        Reason("skipped", "too late", 3),
        Reason("skipped", "turned off", 2),
    ]


def test_what_goes_wrong_is_told_with_the_most_frequent_first():
    for _ in range(2):
        mail("due", reason="451 later", tries=2)
    mail("refused", reason="550 5.1.1 unknown")
    mail("sent")
    assert watching.status(NOW).troubles == [
        Reason("due", "451 later", 2),
        Reason("refused", "550 5.1.1 unknown", 1),
    ]


# How late


@pytest.mark.parametrize(
    ("waits", "expected"),
    [(4 * MINUTE, (0, None)), (5 * MINUTE, (1, 5 * MINUTE)), (3 * 60 * MINUTE, (1, 3 * 60 * MINUTE))],
)
def test_a_mail_is_late_when_nobody_has_taken_it_for_five_minutes(waits, expected):
    mail(half_hour=NOON - 6, next_try_at=NOW - waits)
    count, oldest = late()
    assert count == expected[0]
    # From the half hour that was chosen, whatever has happened since.
    assert oldest == (3 * 60 * MINUTE if count else None)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"tries": 3, "reason": "451 later"}, 1),
        ({"tries": 3, "reason": "451 later", "next_try_at": NOW + MINUTE}, 1),
        ({"next_try_at": NOW + MINUTE}, 1),  # taken back, as the mail server is down
        ({"tries": 4, "state": "sending"}, 1),
        ({"tries": 1, "state": "sending"}, 0),
        ({"tries": 1, "reason": "451 later"}, 0),
        ({}, 0),  # listed a moment ago: the learner has turned reminders on since
    ],
)
def test_a_mail_of_an_earlier_hour_is_late_when_it_is_held_up(columns, expected):
    mail(**({"state": "due", "half_hour": NOON - 2} | columns))
    assert late()[0] == expected


def test_what_is_tried_again_within_five_minutes_is_not_late():
    mail(half_hour=NOON, tries=3, next_try_at=NOW + MINUTE)
    assert late() == (0, None)


def test_what_is_over_is_not_late():
    for state in ("sent", "skipped", "refused"):
        mail(state, half_hour=0, next_try_at=NOW - A_DAY)
    assert late() == (0, None)


def test_the_lag_counts_from_the_half_hour_that_the_learner_chose_in_their_zone():
    mail("sent", half_hour=NOON, zone="UTC", sent_at=NOW + 20 * SECOND)
    mail("sent", half_hour=42, zone="Asia/Tokyo", sent_at=NOW + 30 * SECOND)  # 21:00 there
    mail("sent", half_hour=NOON - 1, zone="UTC", sent_at=NOW + 10 * MINUTE)
    mail("sent", half_hour=NOON + 4, zone="UTC")  # it chose a later one after the mail had left
    status = watching.status(NOW)
    assert status.measured == 4
    assert status.typical_lag == 30 * SECOND
    assert status.worst_lag == 40 * MINUTE


# Whether tasks come through


def test_a_beat_is_noted_again_and_again_in_one_row_and_one_statement():
    for seconds in (0, 60, 120):
        with CaptureQueriesContext(connection) as captured:
            watching.beat("heartbeat", NOW + seconds * SECOND)
        assert len(captured) == 1
    watching.beat("another", NOW)
    assert Heartbeat.objects.count() == 2
    assert Heartbeat.objects.get(name="heartbeat").at == NOW + 120 * SECOND


@pytest.mark.parametrize(
    ("seconds", "alive"), [(-5, True), (0, True), (149, True), (150, False), (9_000, False)]
)
def test_without_a_beat_for_150_seconds_tasks_do_not_come_through(seconds, alive):
    watching.beat("heartbeat", NOW - seconds * SECOND)
    assert watching.status(NOW).alive is alive
    assert watching.status(NOW).well is alive


def test_where_beats_come_less_often_they_are_waited_for_longer(settings):
    settings.REMINDER_SWEEP_SECONDS = 60
    watching.beat("heartbeat", NOW - 599 * SECOND)
    assert watching.status(NOW).alive


# In words


def says(*, beat: timedelta | None = SECOND) -> str:
    if beat is not None:
        watching.beat("heartbeat", NOW - beat)
    return watching.says(watching.status(NOW))


def test_one_sentence_says_that_all_is_well():
    mail("sent")
    assert says() == "All is well: tasks come through, and no mail is late."


def test_what_is_not_well_is_said_with_how_long_it_has_been():
    assert says(beat=None) == "No task has come through yet, so no mail leaves."
    assert says(beat=7 * MINUTE) == "No task has come through for 7 minutes, so no mail leaves."
    mail(half_hour=NOON - 3, next_try_at=NOW - 10 * MINUTE)
    assert says() == "1 mail is late, the oldest by 1 hour."
    mail(half_hour=NOON - 1, next_try_at=NOW - 10 * MINUTE)
    assert says() == "2 mails are late, the oldest by 1 hour."
    assert says(beat=A_DAY).endswith("for 1 day, so no mail leaves. 2 mails are late, the oldest by 1 hour.")


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(), "0 seconds"),
        (SECOND, "1 second"),
        (59 * SECOND, "59 seconds"),
        (MINUTE, "1 minute"),
        (119 * MINUTE, "1 hour"),
        (50 * A_DAY, "50 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_unit(time, words):
    assert watching.lasting(time) == words


# However many


def test_it_takes_six_statements_for_ten_thousand_mails_too():
    def taken() -> int:
        with CaptureQueriesContext(connection) as captured:
            watching.status(NOW)
        return len(captured)

    first = mail("sent")
    few = taken()
    states = ("due", "sent", "skipped", "refused")
    learners = User.objects.bulk_create(
        User(email=f"crowd{n}@example.org", remind_at=n % 48, time_zone=("UTC", "Asia/Tokyo")[n % 2])
        for n in range(10_000)
    )
    Reminder.objects.bulk_create(
        Reminder(
            learner=learner,
            kind="daily",
            intended_on=TODAY,
            state=(state := states[n % 4]),
            message_id=f"<crowd-{n}@engram.example>",
            expires_at=first.expires_at,
            next_try_at=NOW - MINUTE,
            sent_at=NOW if state == "sent" else None,
            reason=f"{n} said the server" if state == "refused" else "",
        )
        for n, learner in enumerate(learners)
    )
    assert few == taken() == 6
    status = watching.status(NOW)
    assert status.states["due"] == 2_500
    assert status.measured == watching.LATEST
    assert len(status.troubles) == watching.REASONS


# The page


def staff() -> Client:
    who = making.learner(is_staff=True)
    return proven(client_of(who), who)


def test_staff_see_the_figures_and_whether_all_is_well():
    mail("sent")
    mail("skipped", reason="turned off")
    mail("refused", reason="550 5.1.1 unknown")
    with time_machine.travel(NOW, tick=False):
        watching.beat("heartbeat", NOW - 10 * SECOND)
        html = html_of(staff().get(PAGE))
    assert "All is well: tasks come through, and no mail is late." in html
    assert "10 seconds ago" in words_of(html)
    assert cells_of(html) == [
        ["Due", "0"],
        ["Sending", "0"],
        ["Sent", "1"],
        ["Skipped", "1"],
        ["Refused", "1"],
        ["550 5.1.1 unknown", "Refused", "1"],
        ["turned off", "Skipped", "1"],
    ]


def test_the_page_holds_before_anything_has_happened():
    html = html_of(staff().get(PAGE))
    assert "note--warn" in html
    assert "No task has come through yet" in html
    assert "Nothing sent yet." in html


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "delete"])
def test_to_everyone_else_it_is_like_a_page_that_does_not_exist(method):
    unproven = client_of(making.learner(is_staff=True))
    for client in (client_of(making.learner()), Client(enforce_csrf_checks=True), unproven):
        page, missing = (getattr(client, method)(path) for path in (PAGE, "/staff/nothing/"))
        assert (
            (page.status_code, page.content) == (missing.status_code, missing.content) == (404, page.content)
        )
        numberless = [{**answer.headers, "X-Request-ID": ""} for answer in (page, missing)]
        assert numberless[0] == numberless[1]


def test_staff_can_only_look():
    assert staff().post(PAGE).status_code == 405


def test_the_page_takes_as_many_statements_for_thirty_mails_as_for_three():
    client = staff()
    for _ in range(3):
        mail("refused", reason="550 5.1.1 unknown")
    few = statements(client, PAGE)
    for number in range(27):
        mail("refused", reason=f"550 {number}")
    assert statements(client, PAGE) == few == 8


# The command


def run() -> str:
    out = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("reminder_status", stdout=out)
    return out.getvalue()


def test_the_command_prints_the_same_and_is_content():
    watching.beat("heartbeat", NOW - 10 * SECOND)
    mail("sent", sent_at=NOW + 20 * SECOND)
    mail("refused", reason="550 5.1.1 unknown")
    mail("skipped", reason="turned off")
    assert run().splitlines() == [
        "Mails meant for 2026-11-23 and later: 0 due, 0 sending, 1 sent, 1 skipped, 1 refused",
        "Last task: 10 seconds ago",
        "Late: 0",
        "Lag of the latest 1 sent: 20 seconds as a rule, 20 seconds at worst",
        "1 refused: 550 5.1.1 unknown",
        "1 skipped: turned off",
        "All is well: tasks come through, and no mail is late.",
    ]


def test_the_command_fails_when_no_task_comes_through():
    with pytest.raises(CommandError, match="No task has come through yet") as failed:
        run()
    assert failed.value.returncode == 1


def test_the_command_fails_when_a_mail_is_late():
    watching.beat("heartbeat", NOW)
    mail(next_try_at=NOW - 10 * MINUTE, half_hour=NOON - 1)
    with pytest.raises(CommandError, match="1 mail is late, the oldest by 30 minutes") as failed:
        run()
    assert failed.value.returncode == 1


# In the admin


@pytest.fixture
def operator() -> Client:
    chief = User.objects.create_superuser("operator@example.org", "secret")
    return proven(client_of(chief), chief)


LIST = "admin:flashcards_reminder_changelist"


@pytest.mark.parametrize("form", ["{email}", " {EMAIL} ", "{message_id}", "{bare}"])
def test_a_mail_is_found_by_the_whole_address_or_message_id(operator, form):
    mine, other = mail("sent"), mail("sent")
    email = mine.learner.email
    words = form.format(
        email=email, EMAIL=email.upper(), message_id=mine.message_id, bare=mine.message_id.strip("<>")
    )
    html = html_of(operator.get(reverse(LIST), {"q": words}))
    assert email in html
    assert other.learner.email not in html


def test_a_part_of_an_address_finds_nothing_and_no_words_find_all(operator):
    row = mail("sent")
    assert row.learner.email not in html_of(operator.get(reverse(LIST), {"q": "learner"}))
    assert row.learner.email in html_of(operator.get(reverse(LIST), {"q": " "}))


def test_a_mail_can_be_looked_at_and_not_changed(operator):
    row = mail()
    change, delete = (
        reverse(f"admin:flashcards_reminder_{what}", args=[row.pk]) for what in ("change", "delete")
    )
    assert operator.get(change).status_code == 200
    assert operator.post(change, {"state": "sent"}).status_code == 403
    assert operator.post(delete, {"post": "yes"}).status_code == 403
    assert operator.get(reverse("admin:flashcards_reminder_add")).status_code == 403
    row.refresh_from_db()
    assert row.state == "due"


def test_a_learner_with_mails_can_be_deleted_in_the_admin(operator):
    row = mail("sent")
    delete = reverse("admin:accounts_user_delete", args=[row.learner_id])
    assert operator.post(delete, {"post": "yes"}).status_code == 302
    assert not Reminder.objects.exists()


def test_the_list_of_mails_takes_as_many_statements_for_thirty_as_for_three(operator):
    for _ in range(3):
        mail("sent")
    few = statements(operator, reverse(LIST))
    for _ in range(27):
        mail("sent")
    assert statements(operator, reverse(LIST)) == few
