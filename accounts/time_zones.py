"""The time zones that a learner can choose from."""

from functools import cache
from itertools import groupby
from zoneinfo import available_timezones

AREAS = "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()

Choice = tuple[str, str]


@cache
def known() -> frozenset[str]:
    """Return the names of all IANA zones on this machine, old ones and offsets too."""
    return frozenset(available_timezones() - {"Factory", "localtime"})


def choices(current: str) -> list[Choice | tuple[str, list[Choice]]]:
    """Return UTC, the current zone where it is an unusual one, and the places of each area."""
    unusual = current != "UTC" and _area(current) not in AREAS
    return [("UTC", "UTC"), *([(current, current)] if unusual else []), *_places()]


@cache
def _places() -> list[tuple[str, list[Choice]]]:
    names = sorted(name for name in known() if _area(name) in AREAS)
    return [(area, [(name, _place(name)) for name in group]) for area, group in groupby(names, key=_area)]


def _area(name: str) -> str:
    return name.partition("/")[0]


def _place(name: str) -> str:
    """Return "Buenos Aires, Argentina" for "America/Argentina/Buenos_Aires": one searches by typing."""
    return ", ".join(reversed(name.replace("_", " ").split("/")[1:]))
