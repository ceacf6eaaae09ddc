"""Learners who grade over many connections while web server and database are killed: what is lost?

A learner's browser tries again until it knows: with the same submission, so that what was kept though the
answer got lost isn't kept twice. Everything runs in processes of its own on a database of its own.
"""

import http.client
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Event, Lock
from urllib.parse import urlencode
from uuid import UUID, uuid4

from tests.services.one_site import Site

CONNECTIONS = 32
DOUBLE, TWO_TABS = 0.10, 0.05  # shares of the answers
PATIENCE = 60  # seconds in which an answer is taken in, whatever fails
KEPT, NOT_KEPT = {302, 303}, {409}
NOT_NOW = {500, 502, 503}
NOT_SAVED = b"What you just sent was not saved."
TOKEN = "k" * 32


def sessions(one: Site, many: int) -> list[tuple[str, list[int]]]:
    """Store so many learners; return for each the session's key and the cards."""
    code = (
        "import json; from tests.visiting import client_of; from flashcards.models import Card; "
        "from accounts.models import User; cards = list(Card.objects.values_list('pk', flat=True)); "
        f"people = [User.objects.create_user(f'l{{n}}@example.org') for n in range({many})]; "
        "print(json.dumps([[client_of(who).cookies['sessionid'].value, cards] for who in people]))"
    )
    made: list[tuple[str, list[int]]] = json.loads(one.done("shell", "--verbosity", "0", "--command", code))
    return made


@dataclass(slots=True)
class Book:
    """What learners were told, by submission: the grade that was kept, or None for “not kept”.

    `denied` is when the first try of an answer sent once was said not to be saved.
    """

    goal: int
    told: dict[UUID, int | None] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    denied: dict[UUID, datetime] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    longest: float = 0
    full: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def kept(self) -> dict[UUID, int]:
        """Return the acknowledged answers."""
        with self.lock:
            return {key: grade for key, grade in self.told.items() if grade is not None}

    def enter(self, submission: UUID, grade: int, status: int, seconds: float) -> None:
        """Note what a learner was told, and whether something else was told before."""
        answer = grade if status in KEPT else None
        with self.lock:
            if self.told.setdefault(submission, answer) != answer:
                self.faults.append(f"{submission} was told both")
            self.longest = max(self.longest, seconds)
        if len(self.told) >= self.goal:
            self.full.set()


@dataclass(slots=True)
class Learner:
    """One connection: whose it is and how far its cards are."""

    site: Site
    book: Book
    session: str
    cards: list[int]
    dice: random.Random
    versions: Counter[int] = field(default_factory=Counter)

    def study(self) -> None:
        """Grade card after card until enough was answered by all."""
        with ThreadPoolExecutor(2) as tabs:
            while not self.book.full.is_set():
                card = self.dice.choice(self.cards)
                first = (card, self.dice.randrange(6), uuid4(), self.versions[card])
                drawn = self.dice.random()
                sent = [first]
                if drawn < DOUBLE:
                    sent = [first, first]
                elif drawn < DOUBLE + TWO_TABS:
                    sent = [first, (card, self.dice.randrange(6), uuid4(), self.versions[card])]
                send = partial(self.post, alone=len(sent) == 1)
                told = list(tabs.map(send, *zip(*sent, strict=True)))
                self.judge(told, same=sent[0] == sent[-1])
                self.versions[card] += 1

    def judge(self, told: list[int], *, same: bool) -> None:
        """Of one answer all posts are kept, of two exactly one."""
        kept = sum(status in KEPT for status in told)
        if kept != (len(told) if same else 1):
            self.book.faults.append(f"{'one answer' if same else 'two tabs'} got {told}")
            self.book.full.set()

    def post(self, card: int, grade: int, submission: UUID, version: int, *, alone: bool) -> int:
        """Send the answer until it is kept or refused; return the status."""
        began = time.monotonic()
        status = tries = 0
        while status not in KEPT | NOT_KEPT:
            if time.monotonic() - began > PATIENCE or status not in NOT_NOW | {0}:
                self.book.faults.append(f"{submission} ended with {status}")
                self.book.full.set()
                return status
            status, text = self.send(card, {"grade": grade, "submission": submission, "version": version})
            self.book.statuses[str(status or "no answer")] += 1
            tries += 1
            if alone and tries == 1 and NOT_SAVED in text:
                self.book.denied[submission] = datetime.now(UTC)
            if status in NOT_NOW | {0}:
                time.sleep(0.1)
        self.book.enter(submission, grade, status, time.monotonic() - began)
        return status

    def send(self, card: int, values: dict[str, object]) -> tuple[int, bytes]:
        """Send it once; return the status, 0 without an answer, and the page."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"sessionid={self.session}; csrftoken={TOKEN}",
            "Host": f"localhost:{self.site.port}",
            "X-CSRFToken": TOKEN,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=30)
        try:
            connection.request("POST", f"/review/{card}/grade/", urlencode(values), headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


@contextmanager
def studying(one: Site, goal: int, seed: int = 1) -> Iterator[Book]:
    """Let the learners answer so many times, beside the block; at its end they are done."""
    book = Book(goal)
    dice = random.Random(seed)
    people = [
        Learner(one, book, session, cards, random.Random(dice.random()))
        for session, cards in sessions(one, CONNECTIONS)
    ]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        running = [pool.submit(who.study) for who in people]
        try:
            yield book
            while not book.full.wait(0.2) and not any(one.done() for one in running):
                pass
        finally:
            book.full.set()
    for each in running:
        each.result()


def storm(one: Site, goal: int, faults: Iterable[Callable[[], object]], seed: int = 1) -> Book:
    """Let so many answers be told while the faults strike, evenly over them; return what was told."""
    strikes = list(faults)
    with studying(one, goal, seed) as book:
        for number, strike in enumerate(strikes, start=1):
            moment = goal * number // (len(strikes) + 1)
            while len(book.told) < moment and not book.full.wait(0.02):
                pass
            strike()
    return book


def findings(one: Site, book: Book) -> list[str]:
    """Return what is wrong with the database, after all that learners were told."""
    rows = one.log()
    stored, kept = dict(rows), book.kept()
    found = list(book.faults)
    if lost := [key for key, grade in kept.items() if stored.get(key) != grade]:
        found.append(f"{len(lost)} answers lost")
    if doubled := len(rows) - len(stored):
        found.append(f"{doubled} answers doubled")
    times = one.times() if book.denied else {}
    if lies := [key for key, when in book.denied.items() if key in times and times[key] < when]:
        found.append(f"{len(lies)} answers that were kept and said not to be")
    if extra := stored.keys() - kept.keys():
        found.append(f"{len(extra)} answers that nobody was told of")
    checked = one.manage("check_schedules")
    if checked.returncode:
        found.append(checked.stdout + checked.stderr)
    return found
