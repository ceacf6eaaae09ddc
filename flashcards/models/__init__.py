"""Decks and cards, each learner's review state and its log, interviews: mapping and constraints."""

from flashcards.models.decks import Card, Deck, Topic
from flashcards.models.interviews import Interview, InterviewTopic
from flashcards.models.reviews import DayStat, Note, ReviewLog, ReviewState

__all__ = [
    "Card",
    "DayStat",
    "Deck",
    "Interview",
    "InterviewTopic",
    "Note",
    "ReviewLog",
    "ReviewState",
    "Topic",
]
