"""What very many cards come to by a day: counted by indexes, and estimated from a sample of bounded size."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nsmallest
from itertools import accumulate, pairwise
from math import fsum
from typing import Final, NamedTuple

from accounts.models import User
from flashcards import many_sql, playing, sampling
from flashcards.forecasting import BANDS, MOST_CARDS, Part, Totals
from flashcards.many_sql import Counted, Facts, Row
from flashcards.models import Topic
from flashcards.playing import Played, Start
from flashcards.recall import Lead
from flashcards.sampling import Low, Sample, Seen

MOST_PLAYED: Final = 500  # cards that the runs take
MOST_RANKED: Final = 10_000  # cards that are put in the order of their due days for the runs
LOWEST: Final = 20
MOST_WORK: Final = 6_000  # of the runs: sampling moves the result more than a tenth of them does


@dataclass(frozen=True, slots=True)
class Estimate:
    """What readiness shows of many cards; `parts` are the topics, or the decks where topics are too many.

    `looked` is how many cards stood for all that are started and count, 0 when they were all looked at. `due`
    counts by day, exactly; `lowest` are the cards of the lowest recall among those looked at.
    """

    totals: Totals
    parts: list[Part]
    played: Played
    looked: int
    due: Counter[date]
    lowest: list[tuple[Low, Topic]]


class _Case(NamedTuple):
    """Whose queue is played forward, and until when."""

    learner: User
    lead: Lead
    today: date
    until: date
    facts: Facts


def estimate(learner: User, lead: Lead, today: date, last: date, most_parts: int) -> Estimate | None:
    """Return the estimate in four statements, five where keys lie far apart; None without many cards.

    Due cards are counted up to `last`; of more topics than `most_parts` the parts are decks.
    """
    topics = many_sql.topics()
    if sum(topic.cards for topic in topics) <= MOST_CARDS:
        return None
    until = playing.until_of(lead, today)
    facts = many_sql.facts(learner, today, max(last, until))
    sample = sampling.sample(learner, facts, today)
    seen = sampling.seen(sample.rows, lead)
    by_pk = {topic.pk: topic for topic in topics}
    counting = [low for low in seen.lows if lead.weight(low.row.topic)]
    cards = {topic.pk: max(0.0, topic.cards - sample.factor * seen.suspended[topic.pk]) for topic in topics}
    return Estimate(
        totals=_totals(cards, counting, lead, sample),
        parts=_parts(topics, cards, seen, sample.factor, by_topic=len(topics) <= most_parts),
        played=_played(_Case(learner, lead, today, until, facts), topics, seen, sample),
        looked=len(counting) if sample.factor > 1 else 0,
        due=facts.due,
        lowest=[(low, by_pk[low.row.topic].topic()) for low in nsmallest(LOWEST, counting)],
    )


def _totals(cards: dict[int, float], lows: Sequence[Low], lead: Lead, sample: Sample) -> Totals:
    """Return the totals; their variance is that of recall and that of the sample.

    The sample is taken for one drawn at random, of places where a card without a recall counts as 0: where
    cards lie in the order in which they were learnt, it is better than that.
    """
    counting = {topic: count for topic, count in cards.items() if lead.weight(topic)}
    weighed = [(lead.weight(low.row.topic), low.recall) for low in lows]
    recalled = fsum(weight * recall for weight, recall in weighed)
    chance = fsum(weight**2 * recall * (1 - recall) for weight, recall in weighed)
    squares = fsum((weight * recall) ** 2 for weight, recall in weighed)
    unread = 1 - 1 / sample.factor
    spread = max(0.0, squares - recalled**2 / max(1, sample.places)) * sample.factor**2 * unread
    return Totals(
        of=round(fsum(counting.values())),
        weight=fsum(lead.weight(topic) * count for topic, count in counting.items()),
        recalled=sample.factor * recalled,
        variance=sample.factor * chance + spread,
        started=round(sample.factor * len(lows)),
    )


def _parts(
    topics: Sequence[Counted], cards: dict[int, float], seen: Seen, factor: float, *, by_topic: bool
) -> list[Part]:
    """Return the parts in order; what was looked at is scaled up, to no more than there is."""
    inside, chances = defaultdict[int, list[Counted]](list), defaultdict[int, list[float]](list)
    of_topic = {topic.pk: topic.pk if by_topic else topic.deck_pk for topic in topics}
    for topic in topics:
        inside[of_topic[topic.pk]].append(topic)
    for low in seen.lows:
        chances[of_topic[low.row.topic]].append(low.recall)
    found = list[Part]()
    for pk, members in inside.items():
        count = round(fsum(cards[topic.pk] for topic in members))
        by_band = Counter(bisect_right(BANDS, chance) for chance in chances[pk])
        bands = _fitted([factor * by_band[band] for band in range(len(BANDS) + 1)], count)
        if count:
            place = members[0].topic() if by_topic else members[0].deck()
            recalled = min(float(count), factor * fsum(chances[pk]))
            found.append(Part(place, count, recalled, (*bands, count - sum(bands))))
    return found


def _fitted(bands: Sequence[float], cards: int) -> list[int]:
    """Return the counts as whole numbers that aren't more than the cards together."""
    scale = min(1.0, cards / (fsum(bands) or 1.0))
    ends = [0, *(round(scale * reached) for reached in accumulate(bands))]
    return [after - before for before, after in pairwise(ends)]


def _played(case: _Case, topics: Sequence[Counted], seen: Seen, sample: Sample) -> Played:
    """Return what the runs come to: of a bounded number of cards that come up, and of new ones."""
    limits = playing.limits_of(case.learner, case.facts.answered, case.facts.introduced)
    due = sum(count for day, count in case.facts.due.items() if day < case.until)
    gone = seen.suspended + seen.scheduled
    fresh = [(topic.pk, topic.cards - sample.factor * gone[topic.pk]) for topic in topics]
    unseen = max(0, round(fsum(count for _, count in fresh)))
    new = min(playing.reach(limits, case.today, case.until), unseen)
    step = max(1, -(-(due + new) // MOST_PLAYED))
    rows = _coming(case, due, step) if due else []
    part = len(rows) / due if rows else 1 / step
    rows += _new(fresh, round(part * new))
    weight = case.lead.weight
    return playing.run(
        case.learner,
        Start(
            rows=rows,
            weights=tuple(weight(row.topic) for row in rows),
            today=case.today,
            until=case.until,
            limits=limits,
            in_play=due + new,
            settled=sample.factor * fsum(_settled(sample.rows, case)),
            most_work=MOST_WORK,
        ),
    )


def _coming(case: _Case, due: int, step: int) -> list[playing.Row]:
    """Return about every k-th of the cards that come up before the last day, by due day."""
    share = min(1.0, MOST_RANKED / due)
    rows = many_sql.coming(case.learner, case.until, share, max(1, round(step * share)))
    found = [(row, row.due(case.today)) for row in rows]
    return [
        playing.Row(row.topic, row.position, on, *row.schedule())
        for row, on in found
        if on is not None and on < case.until
    ]


def _new(fresh: Sequence[tuple[int, float]], cards: int) -> list[playing.Row]:
    """Return so many new cards, from the first topics that have some, which is the order they come in.

    By a sample, a topic may have less than none.
    """
    rows = list[playing.Row]()
    for topic, count in fresh:
        room = min(max(0, round(count)), cards - len(rows))
        rows += [playing.new(topic, len(rows) + n) for n in range(room)]
    return rows


def _settled(rows: Sequence[Row], case: _Case) -> Iterator[float]:
    """Yield the weight recalled of each row whose card doesn't come up."""
    for row in rows:
        on = None if row.suspended else row.due(case.today)
        if on is not None and on >= case.until and (recall := sampling.chance(row, case.until)) is not None:
            yield case.lead.weight(row.topic) * recall
