"""What very many cards come to by a day: counted by indexes, and estimated from a sample of bounded size."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nsmallest
from itertools import accumulate, pairwise
from math import fsum
from typing import Final, NamedTuple

from accounts.models import User
from flashcards import many_sql, playing, sampling
from flashcards.forecasting import BANDS, MOST_CARDS, Part, Totals
from flashcards.many_sql import Counted, Facts
from flashcards.models import Topic
from flashcards.playing import Played, Start
from flashcards.recall import Lead
from flashcards.sampling import Low, Sample, Seen

MOST_PLAYED: Final = 500  # cards that the runs take
MOST_RANKED: Final = 10_000  # cards that are put in the order of their due days for the runs
MOST_WHOLE: Final = 500  # cards of the smallest decks or topics, which are all looked at
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
    by_topic = len(topics) <= most_parts
    members = defaultdict[int, list[Counted]](list)
    for topic in topics:
        members[topic.pk if by_topic else topic.deck_pk].append(topic)
    sample = sampling.sample(learner, facts, today, _small(members.values()))
    seen = sampling.seen(sample.rows, lead)
    by_pk = {topic.pk: topic for topic in topics}
    counting = [low for low in seen.lows if lead.weight(low.row.topic)]
    cards = {pk: max(0.0, by_pk[pk].cards - sample.factor(pk) * seen.suspended[pk]) for pk in by_pk}
    return Estimate(
        totals=_totals(cards, counting, lead, sample),
        parts=_parts(members, cards, seen, sample, by_topic=by_topic),
        played=_played(_Case(learner, lead, today, until, facts), topics, seen, sample),
        looked=len(counting) if sample.step > 1 else 0,
        due=facts.due,
        lowest=[(low, by_pk[low.row.topic].topic()) for low in nsmallest(LOWEST, counting)],
    )


def _small(parts: Iterable[Sequence[Counted]]) -> frozenset[int]:
    """Return the topics of the smallest parts, which a sample might miss: up to so many cards together."""
    whole, room = set[int](), MOST_WHOLE
    for topics in sorted(parts, key=_cards):
        room -= _cards(topics)
        if room < 0:
            break
        whole.update(topic.pk for topic in topics if topic.cards)
    return frozenset(whole)


def _cards(topics: Sequence[Counted]) -> int:
    return sum(topic.cards for topic in topics)


def _totals(cards: dict[int, float], lows: Sequence[Low], lead: Lead, sample: Sample) -> Totals:
    """Return the totals; their variance is that of recall and that of the sample.

    The sample is taken for one drawn at random, of places where a card without a recall counts as 0: where
    cards lie in the order in which they were learnt, it is better than that.
    """
    counting = {topic: count for topic, count in cards.items() if lead.weight(topic)}
    weighed = [(lead.weight(low.row.topic), low.recall, sample.factor(low.row.topic)) for low in lows]
    drawn = [
        weight * recall
        for (weight, recall, _), low in zip(weighed, lows, strict=True)
        if low.row.topic not in sample.whole
    ]
    squares = fsum(one**2 for one in drawn) - fsum(drawn) ** 2 / max(1, sample.places)
    of = round(fsum(counting.values()))
    return Totals(
        of=of,
        weight=fsum(lead.weight(topic) * count for topic, count in counting.items()),
        recalled=fsum(factor * weight * recall for weight, recall, factor in weighed),
        variance=fsum(factor * weight**2 * recall * (1 - recall) for weight, recall, factor in weighed)
        + max(0.0, squares) * sample.step**2 * (1 - 1 / sample.step),
        started=min(of, round(fsum(factor for _, _, factor in weighed))),
    )


def _parts(
    members: dict[int, list[Counted]], cards: dict[int, float], seen: Seen, sample: Sample, *, by_topic: bool
) -> list[Part]:
    """Return the parts in order; what was looked at is scaled up, to no more than there is."""
    chances = defaultdict[int, list[float]](list)
    for low in seen.lows:
        chances[low.row.topic].append(low.recall)
    found = list[Part]()
    for topics in members.values():
        count = round(fsum(cards[topic.pk] for topic in topics))
        factor = max(sample.factor(topic.pk) for topic in topics if topic.cards) if count else 1.0
        inside = [chance for topic in topics for chance in chances.get(topic.pk, ())]
        by_band = Counter(bisect_right(BANDS, chance) for chance in inside)
        bands = _fitted([factor * by_band[band] for band in range(len(BANDS) + 1)], count)
        if count:
            place = topics[0].topic() if by_topic else topics[0].deck()
            recalled = min(float(count), factor * fsum(inside))
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
    fresh = [(topic.pk, topic.cards - sample.factor(topic.pk) * gone[topic.pk]) for topic in topics]
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
            settled=fsum(_settled(sample, case)),
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


def _settled(sample: Sample, case: _Case) -> Iterator[float]:
    """Yield the weight recalled of each row whose card doesn't come up."""
    for row in sample.rows:
        on = None if row.suspended else row.due(case.today)
        if on is not None and on >= case.until and (recall := sampling.chance(row, case.until)) is not None:
            yield sample.factor(row.topic) * case.lead.weight(row.topic) * recall
