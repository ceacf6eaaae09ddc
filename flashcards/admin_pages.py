"""What the operator's pages share: some only show, and lists stay quick where there are very many cards."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from flashcards import finding
from flashcards.models import Card, ReviewState

MOST_DELETED = 500  # cards that the admin names before it deletes them


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Pages that change nothing: a schedule is its log, and a log is only ever added to."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def many(request: Any) -> bool:
    """Whether there are very many cards, asked once for a page."""
    if not hasattr(request, "many_cards"):
        request.many_cards = finding.are_many()
    return bool(request.many_cards)


class WithCards(admin.ModelAdmin):  # type: ignore[type-arg]
    """Cards, or what holds them: not to be deleted from under learners, nor very many at once."""

    way = ""  # from a card to one of these

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Refuse by two short looks what would have to be read whole to be refused, or to be listed."""
        cards = Card.objects.filter(**{f"{self.way}__in": [row.pk for row in objs]})
        names = [str(row) for row in objs]
        if ReviewState.objects.filter(**{f"card__{self.way}__in": [row.pk for row in objs]}).exists():
            return names, {}, {"schedules and answers of learners (retire the cards instead)"}, []
        if cards.order_by()[MOST_DELETED : MOST_DELETED + 1].exists():
            return names, {}, set(), [f"more than {MOST_DELETED} cards: delete them topic by topic"]
        found: tuple[Any, Any, Any, Any] = super().get_deleted_objects(objs, request)
        return found


class KeysFirst(Paginator):  # type: ignore[type-arg]
    """Pages of a query: the keys are passed to find one, and only its rows are read."""

    def page(self, number: Any) -> Page[Any]:
        """Return the page."""
        number = self.validate_number(number)
        rows: Any = self.object_list
        first = (number - 1) * self.per_page
        keys = list(rows.values_list("pk", flat=True)[first : first + self.per_page])
        place = {key: at for at, key in enumerate(keys)}
        return Page(sorted(rows.filter(pk__in=keys), key=lambda row: place[row.pk]), number, self)


class Counting(WithCards):
    """A list that says how many cards each row has; `cards_of` leads to them."""

    cards_of = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count in the one statement of the list."""
        found: QuerySet[Any] = super().get_queryset(request)
        shown = Count(self.cards_of, filter=Q(**{f"{self.cards_of}__retired": False}))
        with_counts: QuerySet[Any] = found.annotate(shown=shown, gone=Count(self.cards_of) - shown)
        return with_counts

    @admin.display(ordering="shown", description="cards")
    def cards(self, row: Any) -> int:
        return int(row.shown)

    @admin.display(ordering="gone")
    def retired(self, row: Any) -> int:
        return int(row.gone)
