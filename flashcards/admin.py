"""The operator's pages: decks, topics and cards to edit; schedules and logs to look at, never to change."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from flashcards import cards, finding, frontier, topic_counts
from flashcards.admin_pages import Counting, KeysFirst, LookOnly, WithCards, many
from flashcards.models import Card, Deck, Reminder, ReviewLog, ReviewState, Topic
from flashcards.wording import counted

PLACE = {"topic", "position", "retired"}


class CardForm(forms.ModelForm):  # type: ignore[type-arg]
    """A card's texts, refused with a sentence at the field when they can't be shown."""

    class Meta:
        model = Card
        fields = (
            "topic key position level retired question answer formula formula_note practice key_points "
            "follow_ups"
        ).split()
        help_texts = {
            "key": "The card's identity: schedules, fixtures and exports know it by this name.",
            "retired": "Shown to nobody; its logs are kept.",
            "answer": "Markdown, LaTeX between dollar signs. The first paragraph is what one says aloud.",
            "formula": "LaTeX, without dollar signs.",
            "formula_note": "What the symbols mean, on one line.",
            "practice": "Markdown: one paragraph with a number or a case.",
            "key_points": 'Up to 6, as JSON: [{"text": "True positives over all flagged", "must": true}, …]',
            "follow_ups": 'Up to 3, as JSON: [{"question": "And recall?", "answer": "One line."}, …]',
        }

    def clean(self) -> dict[str, Any]:
        """Ask cards.py about the card as it would be saved."""
        values = super().clean() or self.cleaned_data
        texts = {name: value for name, value in values.items() if name != "topic"}
        for field, sentence in cards.problems(Card(**texts)):
            if not self.has_error(field):
                self.add_error(field, sentence)
        return values


@admin.register(Deck)
class DeckAdmin(Counting):
    way = "topic__deck"
    list_display = ("name", "key", "cards", "retired")
    search_fields = ("name", "key")
    ordering = ("name",)
    cards_of = "topics__cards"


@admin.register(Topic)
class TopicAdmin(Counting):
    way = "topic"
    list_display = ("name", "key", "deck", "position", "cards", "retired")
    list_filter = ("deck",)
    list_select_related = ("deck",)
    search_fields = ("name", "key", "deck__name")
    cards_of = "cards"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a topic in its deck, as a seed does: its cards have their places there."""
        return ("deck",) if obj else ()


@admin.register(Card)
class CardAdmin(WithCards):
    form = CardForm
    way = "pk"
    paginator = KeysFirst
    list_display = ("position", "question", "topic", "level", "key", "retired")
    list_display_links = ("question",)
    list_filter = ("retired", "level", "topic__deck", "topic")
    list_select_related = ("topic",)
    search_fields = ("question", "key", "answer", "topic__name")
    search_help_text = (
        "Words of the question, the answer or the topic, or the key; "
        f"among more than {finding.MOST_CARDS:,} cards not of the answer."
    )
    actions = ("retire", "bring_back")
    save_on_top = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Card]:
        """Leave out what no list shows; the form of one card loads it."""
        return super().get_queryset(request).defer("html")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return deck order; among very many cards that of their making, which needs no sorting."""
        return ("id",) if many(request) else finding.ORDER

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Leave the longest texts out where very many would be looked through."""
        return tuple(name for name in self.search_fields if name != "answer" or not many(request))

    def view_on_site(self, obj: Card) -> str:
        """Return where learners see it."""
        return reverse("card", args=[obj.pk])

    @admin.action(description="Retire: show to nobody, keep the logs", permissions=["change"])
    def retire(self, request: HttpRequest, queryset: QuerySet[Card]) -> None:
        with _recounted(queryset):
            retired = queryset.update(retired=True)
        self.message_user(request, f"Retired: {counted(retired, 'card')}.")

    @admin.action(description="Bring back", permissions=["change"])
    def bring_back(self, request: HttpRequest, queryset: QuerySet[Card]) -> None:
        with _recounted(queryset):
            gone = Card.objects.filter(pk__in=queryset.order_by().values("pk"), retired=True)
            first = gone.order_by(*finding.ORDER).only(*frontier.ORDER)[:1]
            frontier.draw_back(list(first))
            back = gone.update(retired=False)
        self.message_user(request, f"Back: {counted(back, 'card')}.")

    def save_model(self, request: HttpRequest, obj: Card, form: Any, change: bool) -> None:
        """Save the card with its HTML; no schedule changes, and whoever is past a new place meets it."""
        obj.html = cards.render(obj)
        topics = {obj.topic_id, form.initial.get("topic") or obj.topic_id}
        topic_counts.hold(topics)
        super().save_model(request, obj, form, change)
        if not change or PLACE & set(form.changed_data):
            frontier.draw_back([obj])
            topic_counts.recount(topics)

    def delete_model(self, request: HttpRequest, obj: Card) -> None:
        """Delete the card, and count its topic anew."""
        with _recounted(Card.objects.filter(pk=obj.pk)):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Card]) -> None:
        """Delete the cards, and count their topics anew."""
        with _recounted(queryset):
            super().delete_queryset(request, queryset)


@contextmanager
def _recounted(found: QuerySet[Card]) -> Iterator[None]:
    """Count the topics of these cards anew after the block has changed them, in one transaction."""
    with transaction.atomic():
        topics = set(found.order_by().values_list("topic", flat=True))
        topic_counts.hold(topics)
        yield
        topic_counts.recount(topics)


@admin.register(ReviewState)
class ReviewStateAdmin(LookOnly):
    list_display = ("learner", "card", "due_on", "interval", "ease", "lapses", "version", "suspended")
    list_filter = ("suspended", "drill")
    list_select_related = ("learner", "card")
    search_fields = ("=learner__email", "=card__key")
    search_help_text = "The learner’s whole address, or the card’s whole key."
    ordering = ("-id",)


@admin.register(ReviewLog)
class ReviewLogAdmin(LookOnly):
    list_display = ("at", "learner", "card", "sequence", "kind", "grade", "interval_before", "interval")
    list_filter = ("kind", "grade")
    list_select_related = ("learner", "state__card")
    search_fields = ("=learner__email", "=state__card__key")
    search_help_text = "The learner’s whole address, or the card’s whole key."
    ordering = ("-id",)

    @admin.display(ordering="state__card__key")
    def card(self, row: ReviewLog) -> str:
        return row.state.card.key


@admin.register(Reminder)
class ReminderAdmin(LookOnly):
    list_display = ("intended_on", "learner", "kind", "state", "tries", "sent_at", "reason")
    list_filter = ("state", "kind")
    list_select_related = ("learner",)
    search_fields = ("learner__email", "message_id")
    search_help_text = "The learner’s whole address, or the whole Message-ID."
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Reminder], search_term: str
    ) -> tuple[QuerySet[Reminder], bool]:
        """Find by the two indexes; a search within the texts would read every mail."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        learners = list(User.objects.filter(email=wanted.lower()).values_list("pk", flat=True))
        found = Q(learner__in=learners) | Q(message_id=f"<{wanted.strip('<>')}>")
        return queryset.filter(found), False
