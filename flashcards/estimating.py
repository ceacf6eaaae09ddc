"""What very many cards come to by a day: counted by indexes, and estimated from a sample of bounded size."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from math import fsum
from typing import Final, NamedTuple

from accounts.models import User
from flashcards import forecasting, many_sql, planning, playing, recall, sampling
from flashcards.forecasting import Part, Totals
from flashcards.many_sql import Coming, Facts, Unit
from flashcards.playing import Played, Start
from flashcards.recall import Lead
from flashcards.sample_sql import Asked, Low
from flashcards.sampling import Sample
from flashcards.scheduling.days import ONE_DAY

MOST_PLAYED: Final = 500  # cards that the runs take
FEWEST_TOGETHER: Final = 16  # of these, those that come up on one day, or on some days in a row
MOST_WHOLE: Final = 500  # cards of the smallest decks or topics, which are all looked at
MOST_WORK: Final = 1_500  # of the runs: a chance that more would even out is small beside the sample's


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
    lowest: list[Low]


class _Case(NamedTuple):
    """Whose queue is played forward, and until when."""

    learner: User
    lead: Lead
    today: date
    until: date
    facts: Facts
    uneven: bool  # topics count differently, and each is a unit

    def weight(self, unit: Unit) -> int:
        """Return how much this unit counts; where topics count differently, each is a unit."""
        return self.lead.weight(unit.pk) if unit.by_topic else recall.USUAL


def estimate(learner: User, lead: Lead, today: date, last: date, most_parts: int) -> Estimate:
    """Return the estimate in four statements, five where keys lie far apart.

    Due cards are counted up to `last`; of more topics than `most_parts` the parts are decks.
    """
    uneven = any(weight != recall.USUAL for weight in lead.weights.values())
    units, topics = many_sql.units(most_parts, each=uneven)
    until = playing.until_of(lead, today)
    case = _Case(learner, lead, today, until, many_sql.facts(learner, today, max(last, until)), uneven)
    members = defaultdict[int, list[Unit]](list)
    for unit in units:
        members[unit.pk if topics <= most_parts else unit.deck_pk].append(unit)
    what = Asked(learner, today, lead.on, until, units[0].by_topic, lead.left_out())
    sample = sampling.sample(what, case.facts, _small(members.values()))
    cards = {unit.pk: max(0.0, unit.cards - _suspended(unit, sample)) for unit in units}
    counting = [unit for unit in units if case.weight(unit)]
    return Estimate(
        totals=_totals(case, counting, cards, sample),
        parts=_parts(members, cards, sample, by_topic=topics <= most_parts),
        played=_played(case, units, sample),
        looked=sum(sample.of(unit.pk).started for unit in counting) if sample.step > 1 else 0,
        due=case.facts.due,
        lowest=sample.lowest,
    )


def _small(parts: Iterable[Sequence[Unit]]) -> frozenset[int]:
    """Return the units of the smallest parts, which a sample might miss: up to so many cards together."""
    whole, room = set[int](), MOST_WHOLE
    for units in sorted(parts, key=_cards):
        room -= _cards(units)
        if room < 0:
            break
        whole.update(unit.pk for unit in units if unit.cards)
    return frozenset(whole)


def _cards(units: Sequence[Unit]) -> int:
    return sum(unit.cards for unit in units)


def _suspended(unit: Unit, sample: Sample) -> float:
    return sample.factor(unit.pk) * sample.of(unit.pk).suspended


def _totals(case: _Case, units: Sequence[Unit], cards: dict[int, float], sample: Sample) -> Totals:
    """Return the totals of the units that count; their variance is that of recall and that of the sample.

    The sample is taken for one drawn at random, of places where a card without a recall counts as 0: where
    cards lie in the order in which they were learnt, it is better than that.
    """
    weighed = [(case.weight(unit), sample.factor(unit.pk), sample.of(unit.pk)) for unit in units]
    drawn = [(case.weight(unit), sample.of(unit.pk)) for unit in units if unit.pk not in sample.whole]
    squares = fsum(weight**2 * sums.squares for weight, sums in drawn)
    squares -= fsum(weight * sums.recalled for weight, sums in drawn) ** 2 / max(1, sample.places)
    of = round(fsum(cards[unit.pk] for unit in units))
    return Totals(
        of=of,
        weight=fsum(case.weight(unit) * cards[unit.pk] for unit in units),
        recalled=fsum(factor * weight * sums.recalled for weight, factor, sums in weighed),
        variance=fsum(
            factor * weight**2 * max(0.0, sums.recalled - sums.squares) for weight, factor, sums in weighed
        )
        + max(0.0, squares) * sample.step**2 * (1 - 1 / sample.step),
        started=min(of, round(fsum(factor * sums.started for _, factor, sums in weighed))),
    )


def _parts(
    members: dict[int, list[Unit]], cards: dict[int, float], sample: Sample, *, by_topic: bool
) -> list[Part]:
    """Return the parts in order; what was looked at is scaled up, to no more than there is."""
    found = list[Part]()
    for units in members.values():
        count = round(fsum(cards[unit.pk] for unit in units))
        factor = max(sample.factor(unit.pk) for unit in units if unit.cards) if count else 1.0
        inside = [sample.of(unit.pk) for unit in units]
        reached = [sum(sums.started for sums in inside)]
        reached += [sum(sums.from_least[n] for sums in inside) for n in range(len(forecasting.BANDS))]
        bands = _fitted([factor * (more - fewer) for more, fewer in pairwise([*reached, 0])], count)
        if count:
            place = units[0].topic() if by_topic else units[0].deck()
            recalled = min(float(count), factor * fsum(sums.recalled for sums in inside))
            found.append(Part(place, count, recalled, (*bands, count - sum(bands))))
    return found


def _fitted(bands: Sequence[float], cards: int) -> list[int]:
    """Return the counts as whole numbers that aren't more than the cards together."""
    scale = min(1.0, cards / (fsum(bands) or 1.0))
    ends = [0, *(round(scale * reached) for reached in accumulate(bands))]
    return [after - before for before, after in pairwise(ends)]


def _played(case: _Case, units: Sequence[Unit], sample: Sample) -> Played:
    """Return what the runs come to: of a bounded number of cards that come up, and of new ones."""
    limits = playing.limits_of(case.learner, case.facts.answered, case.facts.introduced)
    due = sum(count for day, count in case.facts.due.items() if day < case.until)
    fresh = [
        (unit.pk, unit.cards - _suspended(unit, sample) - sample.factor(unit.pk) * sums.scheduled)
        for unit in units
        for sums in [sample.of(unit.pk)]
    ]
    unseen = max(0, round(fsum(count for _, count in fresh)))
    new = min(playing.reach(limits, case.today, case.until), unseen)
    rows = _coming(case, due, min(1.0, MOST_PLAYED / (due + new))) if due else []
    part = len(rows) / due if rows else min(1.0, MOST_PLAYED / max(1, new))
    rows += _new(fresh, round(part * new))
    return playing.run(
        case.learner,
        Start(
            rows=rows,
            weights=tuple(case.lead.weight(row.topic) for row in rows),
            today=case.today,
            until=case.until,
            limits=limits,
            in_play=due + new,
            settled=fsum(
                case.weight(unit) * sample.factor(unit.pk) * sample.of(unit.pk).settled for unit in units
            ),
            most_work=MOST_WORK,
        ),
    )


def _coming(case: _Case, due: int, share: float) -> list[playing.Row]:
    """Return this share of the cards that come up before the last day, by due day, each with its part.

    Days with few cards go together with those after them. `due` are all.
    """
    waiting = defaultdict[date, list[Coming]](list)
    placed = case.uneven or playing.moves(planning.plan_of(case.learner), case.today)
    for row in many_sql.coming(case.learner, case.today, case.facts.due, case.until, share, placed=placed):
        waiting[max(row.due(case.today), case.today - ONE_DAY)].append(row)
    taken, group, reached = list[tuple[date, Coming]](), list[tuple[date, Coming]](), 0
    wanted = 0
    for day in sorted(day for day in case.facts.due if day < case.until):
        reached += case.facts.due[day]
        group += [(row.due(case.today), row) for row in waiting[day]]
        more = round(share * reached) - wanted
        if more >= FEWEST_TOGETHER or reached == due:
            group.sort(key=lambda one: one[1].shuffle)
            taken += sorted(group[:more], key=lambda one: (one[0], one[1].shuffle))
            wanted, group = wanted + more, []
    return [playing.Row(row.topic, row.position, on, *row.schedule()) for on, row in taken]


def _new(fresh: Sequence[tuple[int, float]], cards: int) -> list[playing.Row]:
    """Return so many new cards, from the first units that have some, which is the order they come in.

    By a sample, a unit may have less than none.
    """
    rows = list[playing.Row]()
    for unit, count in fresh:
        room = min(max(0, round(count)), cards - len(rows))
        rows += [playing.new(unit, len(rows) + n) for n in range(room)]
    return rows
